#ifndef MAD_BENCH_LOAD_HTTP_HPP
#define MAD_BENCH_LOAD_HTTP_HPP

#include "loop.hpp"

namespace bench {

class http_connection;

class http_events {
  public:
    virtual ~http_events() = default;
    virtual void on_response(http_connection& from, std::string_view body) = 0;
};

/// One HTTP/1.1 connection that is kept alive. Answers must be 200 with a Content-Length.
class http_connection : public stream {
  public:
    http_connection(http_events& events, std::size_t index)
        : events_(events)
        , index_(index) {}
    [[nodiscard]] std::size_t index() const { return index_; }

  private:
    void on_dialled() override {}
    std::size_t on_bytes(std::string_view bytes) override;
    void on_end() override { throw failure("the server closed a connection kept alive"); }

    http_events& events_;
    std::size_t index_;
};

/// The length of the body behind `head`; throws `failure` unless it is a 200 that states one.
std::size_t body_length(std::string_view head);

} // namespace bench

#endif
