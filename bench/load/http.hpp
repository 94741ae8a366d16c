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

/// One HTTP/1.1 connection that is kept alive, and made anew when an answer says that it ends.
/// Answers must be 200 with a Content-Length.
class http_connection : public stream {
  public:
    http_connection(loop& owner, target const& to, http_events& events, std::size_t index)
        : owner_(owner)
        , to_(to)
        , events_(events)
        , index_(index) {}
    [[nodiscard]] std::size_t index() const { return index_; }

  private:
    void on_dialled() override {}
    std::size_t on_bytes(std::string_view bytes) override;
    void on_end() override { throw failure("the server closed a connection kept alive"); }

    loop& owner_;
    target const& to_;
    http_events& events_;
    std::size_t index_;
};

/// What an answer's head says of it.
struct answer {
    std::size_t length = 0; ///< of the body
    bool last = false;      ///< the connection ends behind it
};

/// Throws `failure` unless `head` is of a 200 that states its length.
answer read_answer(std::string_view head);

} // namespace bench

#endif
