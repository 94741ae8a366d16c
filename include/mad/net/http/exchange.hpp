#ifndef MAD_NET_HTTP_EXCHANGE_HPP
#define MAD_NET_HTTP_EXCHANGE_HPP

#include <mad/net/http/message.hpp>
#include <mad/net/stream.hpp>

#include <functional>
#include <string>
#include <utility>

namespace mad::inline MAD_ABI::net::http {

class exchange;

/// What an exchange needs of the connection that it belongs to.
class exchange_owner {
  public:
    virtual void respond(response&&) = 0;
    virtual stream take_stream(std::string& rest) = 0;
    virtual void abandon() = 0;

  protected:
    friend class exchange;
    virtual ~exchange_owner() = default;

    exchange* current_ = nullptr;
};

/// One request that waits for its answer. Movable; lives and is used on the shard of its
/// connection. Dropped unanswered, it answers 500, so no request is ever forgotten.
class exchange {
  public:
    exchange() = default;
    explicit exchange(exchange_owner& o)
        : owner_(&o) {
        o.current_ = this;
    }
    exchange(exchange&& o) noexcept { take(o); }
    exchange& operator=(exchange&& o) noexcept {
        if (this != &o) {
            drop();
            take(o);
        }
        return *this;
    }
    ~exchange() { drop(); }

    /// False once answered, handed over, or when the peer has gone.
    bool open() const { return owner_ != nullptr; }
    explicit operator bool() const { return open(); }

    /// The connection, to end it from elsewhere (`exchange_owner::abandon`); null when not open.
    exchange_owner* owner() const { return owner_; }

    /// Answers. Nothing happens when the peer has gone meanwhile.
    void respond(response r) {
        gone_ = nullptr;
        if (auto* const o = detach())
            o->respond(std::move(r));
    }

    /// Takes the connection itself (an upgrade). `rest` is what the peer sent behind the head.
    /// The stream is closed when the peer has gone.
    stream take_stream(std::string& rest) {
        gone_ = nullptr;
        auto* const o = detach();
        return o ? o->take_stream(rest) : stream{};
    }

    /// Ends the connection without an answer.
    void abandon() {
        gone_ = nullptr;
        if (auto* const o = detach())
            o->abandon();
    }

    /// `fn(status)` runs when the exchange ends before it was answered through here: with 0 when
    /// the peer has gone, else with the status that the body was refused with (413, 408, 400).
    void on_gone(std::function<void(int)> fn) { gone_ = std::move(fn); }

    /// The connection's side of it.
    void end(int status) {
        detach();
        if (auto const fn = std::exchange(gone_, nullptr))
            fn(status);
    }

  private:
    exchange_owner* detach() {
        if (owner_)
            owner_->current_ = nullptr;
        return std::exchange(owner_, nullptr);
    }

    void take(exchange& o) {
        owner_ = std::exchange(o.owner_, nullptr);
        gone_ = std::exchange(o.gone_, nullptr);
        if (owner_)
            owner_->current_ = this;
    }

    void drop() {
        if (owner_) {
            response r = text_answer(500, "Internal Server Error\n");
            respond(std::move(r));
        }
    }

    exchange_owner* owner_ = nullptr;
    std::function<void(int)> gone_;
};

} // namespace mad::inline MAD_ABI::net::http

#endif
