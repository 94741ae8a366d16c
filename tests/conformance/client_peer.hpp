#ifndef MAD_TESTS_CONFORMANCE_CLIENT_PEER_HPP
#define MAD_TESTS_CONFORMANCE_CLIENT_PEER_HPP

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/socketio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// What the rows of `CLIENT.md` are written with: peers whose events are queues to wait on.
namespace conformance {

namespace sio = mad::socketio;
using mad::json;
using mad::milliseconds;
using task = boost::asio::awaitable<void>;

inline void check(bool ok, std::string const& why) {
    if (!ok)
        throw std::runtime_error(why);
}

inline std::string shown(json const& value) {
    std::string out;
    mad::append_json(out, value);
    return out.size() > 200 ? out.substr(0, 200) + "..." : out;
}

inline void check_equal(json const& got, json const& wanted) {
    check(got == wanted, "got " + shown(got) + " instead of " + shown(wanted));
}

/// `[0, 1, ... n-1]`
inline json count(int n) {
    auto out = json::array();
    for (int i = 0; i < n; ++i)
        out.push_back(i);
    return out;
}

inline json binary(mad::bytes b) {
    return json::binary(std::move(b));
}

/// When the row must be done. Every wait ends then, with an error that names what it waited for.
class row_clock {
  public:
    explicit row_clock(boost::asio::io_context& ctx)
        : timer_(ctx) {}
    boost::asio::io_context& context() {
        return static_cast<boost::asio::io_context&>(timer_.get_executor().context());
    }
    void begin() { end_ = std::chrono::steady_clock::now() + mad::seconds(5); }
    mad::time_point end() const { return end_; }
    milliseconds left() const {
        auto const d = end_ - std::chrono::steady_clock::now();
        return std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(d));
    }

  private:
    boost::asio::steady_timer timer_;
    mad::time_point end_{};
};

inline task pause(row_clock& clock, milliseconds ms) {
    boost::asio::steady_timer timer(clock.context(), ms);
    co_await timer.async_wait(boost::asio::use_awaitable);
}

/// Values in order of arrival.
class mailbox {
  public:
    mailbox(row_clock& c, std::string name)
        : clock_(c)
        , event_(c.context())
        , name_(std::move(name)) {}

    void push(json value) {
        items_.push_back(std::move(value));
        event_.cancel();
    }

    boost::asio::awaitable<json> next() {
        while (items_.empty()) {
            check(std::chrono::steady_clock::now() < clock_.end(), "no " + name_ + " in time");
            event_.expires_at(clock_.end());
            mad::error_code ignored;
            co_await event_.async_wait(
                boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        }
        auto out = std::move(items_.front());
        items_.pop_front();
        co_return out;
    }

    bool empty() const { return items_.empty(); }

  private:
    row_clock& clock_;
    boost::asio::steady_timer event_;
    std::string name_;
    std::deque<json> items_;
};

/// One socket of one namespace.
class peer {
  public:
    peer(row_clock& clock, sio::client& io, sio::client_socket s);

    sio::client_socket socket;
    sio::client& io;
    std::size_t attempts = 0, errors = 0;
    std::vector<mad::time_point> attempted_at;

    mailbox& box(std::string const& event);

    /// The arguments of the next `event`, of the oldest not yet taken.
    boost::asio::awaitable<json> next(std::string event) { return box(event).next(); }
    boost::asio::awaitable<json> first(std::string event);
    /// The first arguments of the next `n`.
    boost::asio::awaitable<json> collect(std::string event, int n);

    /// Emits and gives all arguments of the ack, or its first one.
    boost::asio::awaitable<json> ask_all(std::string event, json args);
    boost::asio::awaitable<json> ask(std::string event, json value = none(), json more = none());
    /// No argument at all.
    static json none() { return json(json::value_t::discarded); }

    void emit(std::string const& event, json args = json::array());

    task connected();
    task reason(std::string wanted);
    task alive();
    /// No attempt to connect within 300 ms: a bounded look at silence.
    task stays_away();

  private:
    struct state; // shared with the handlers, which may outlive the peer
    std::shared_ptr<state> state_;
    row_clock& clock_;
};

/// What a row gets: peers of one column against one server, all closed at its end.
class peers {
  public:
    using adjust = std::function<void(sio::client_settings&)>;

    peers(row_clock& c, std::string u, std::string col, mad::engine::revision r)
        : clock(c)
        , url(std::move(u))
        , column(std::move(col))
        , rev(r) {}

    /// A peer that is on its way. Without `adjust` it does not reconnect.
    peer& start(std::string const& nsp = "/", adjust const& = {}, json auth = {});
    /// A connected peer; in the upgrade column after its upgrade.
    boost::asio::awaitable<peer*> join(std::string nsp = "/", adjust fn = {}, json auth = {});
    /// Another namespace over the same connection.
    peer& start_beside(peer&, std::string const& nsp);
    boost::asio::awaitable<peer*> beside(peer& p, std::string nsp);
    /// A peer that has not been told to connect.
    peer& make(std::string const& nsp, adjust const&);
    task settled(peer&);
    void close();

    /// The server is of version 2, or takes us for a client of it.
    bool old() const { return rev == mad::engine::revision::eio3; }

    row_clock& clock;
    std::string url, column;
    mad::engine::revision rev;
    adjust every; ///< for every client

  private:
    std::vector<std::unique_ptr<sio::client>> clients_;
    std::vector<std::unique_ptr<peer>> open_;
};

/// Reconnection with the short delays of the rows.
inline void again(sio::client_settings& s) {
    s.reconnection = true;
    s.backoff.delay = milliseconds(10);
    s.backoff.delay_max = milliseconds(50);
}

struct row {
    std::string name;
    task (*run)(peers&);
    std::string only = {};   ///< the one transport it is for; empty: all
    bool needs_auth = false; ///< which revision 3 does not have
};

std::vector<row> connect_rows();
std::vector<row> event_rows();
std::vector<row> namespace_rows();
std::vector<row> return_rows();

} // namespace conformance

#endif
