#ifndef MAD_TESTS_SUPPORT_HAND_SERVER_HPP
#define MAD_TESTS_SUPPORT_HAND_SERVER_HPP

#include "hand_driven.hpp"

#include <mad/core/json.hpp>
#include <mad/socketio/server.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mad_test::hand {

namespace sio = mad::socketio;

/// Things that begin and must end once.
struct tally {
    std::size_t begun = 0, ended = 0;
    /// One of them: begins with it, ends with it.
    struct one {
        explicit one(tally& t)
            : all(t) {
            ++all.begun;
        }
        one(one const&) = delete;
        ~one() { ++all.ended; }
        tally& all;
    };
};

/// A whole Socket.IO server with four peers at most, driven by hand.
class server_world {
  public:
    explicit server_world(sio::server_settings s = {}) {
        mad::net::shard::of(ctx_); // its own descriptor is none of a peer's
        under_test const counted;
        io_ = std::make_unique<sio::server>(ctx_, std::move(s));
        (void)io_->adopt(listening_socket());
        prepare();
        turn();
    }

    void send(unsigned who, std::string_view text) { at(who).send(text); }
    void half_close(unsigned who) { at(who).half_close(); }
    /// The next byte of that peer goes over a new connection.
    void close(unsigned who) {
        if (peers_[who % 4])
            peers_[who % 4]->close();
        peers_[who % 4].reset();
    }
    /// `$0` to `$7` stand for the session ids of the moment.
    std::string filled(unsigned, std::string_view text) const {
        std::string out(text);
        for (std::size_t i = 0; i < sids_.size() && i < 8; ++i)
            for (auto p = out.find('$'); p != out.npos; p = out.find('$', p + 1))
                if (p + 1 < out.size() && out[p + 1] == static_cast<char>('0' + i))
                    out.replace(p, 2, sids_[i]);
        return out;
    }

    /// Something that the application does.
    void act(unsigned what) {
        under_test const counted;
        switch (what % 8) {
        case 0:
            return io_->emit("news", mad::json{{"n", 1}}, std::string(what, 'x'));
        case 1:
            return io_->to("room").emit("news", mad::bytes{1, 2, 3});
        case 2:
            ask_all();
            return;
        case 3:
            return io_->disconnect_sockets(what & 8);
        case 4:
            return io_->as_volatile().emit("news", 1);
        case 5:
            return io_->drain();
        case 6:
            return io_->engine().close_some(1);
        case 7:
            return io_->of("/room-1").emit("news", std::string(1000, 'y'));
        }
    }

    void turn() {
        restless_ = restless_ || !settle(ctx_);
        for (auto& p : peers_)
            if (p) {
                auto const before = p->received.size();
                p->read();
                find_sids(std::string_view(p->received).substr(before > 32 ? before - 32 : 0));
            }
    }
    void advance(std::chrono::milliseconds by) {
        advance_clock(by);
        turn();
    }

    /// Ends everything. What is not in order then; empty when all is.
    std::string finish() {
        for (auto& p : peers_)
            p.reset();
        turn();
        {
            under_test const counted;
            io_->close();
        }
        turn();
        for (int i = 0; i < 40 && (io_->sessions() > 0 || io_->connections() > 0); ++i)
            advance(std::chrono::seconds(30));
        advance(std::chrono::seconds(300)); // answers that never came
        std::string wrong;
        if (restless_)
            wrong += "never at rest; ";
        if (io_->sessions() > 0)
            wrong += "sessions left; ";
        if (io_->connections() > 0)
            wrong += "connections left; ";
        if (connected_ != disconnected_)
            wrong += "a socket did not end once; ";
        if (slow_.begun != slow_.ended)
            wrong += "a coroutine did not end; ";
        for (auto const n : answered_)
            if (n != 1)
                wrong += "answered " + std::to_string(n) + " times; ";
        under_test const counted;
        io_.reset();
        restless_ = !settle(ctx_);
        forget_connections();
        return wrong + (restless_ ? "never at rest at the end; " : "");
    }

    peer const* at_if(unsigned who) const { return peers_[who % 4].get(); }
    std::size_t sockets() const { return connected_; }
    std::size_t echoes() const { return echoes_; }
    std::vector<std::string> const& sids() const { return sids_; }

  private:
    void prepare() {
        for (auto const* const name : {"/", "/admin"})
            io_->of(name).on_connection([this](sio::socket s) {
                ++connected_;
                s.on_disconnect([this](sio::disconnect_reason) { ++disconnected_; });
                s.on_any([](std::string, sio::arguments) {});
            });
        io_->of_pattern("/room-*").on_connection([this](sio::socket s) {
            ++connected_;
            s.on_disconnect([this](sio::disconnect_reason) { ++disconnected_; });
            s.emit("welcome", s.id());
        });
        io_->of("/admin").use([](sio::socket s, sio::next next) {
            if (s.handshake().auth().contains("token"))
                return next(std::nullopt);
            next(sio::connect_error{"no token", std::nullopt});
        });
        io_->on("echo", [this](mad::json v) {
            ++echoes_;
            return v;
        });
        io_->on("bytes", [](sio::socket s, mad::bytes b) { s.emit("bytes", b, b.size()); });
        io_->on("raw", [](sio::socket s, sio::raw_json v) { s.emit("raw", v); });
        io_->on("join", [](sio::socket s, std::string room) { s.join(room); });
        io_->on("say", [](sio::socket s, mad::json v) { s.to("room").emit("said", v); });
        io_->on("bye", [](sio::socket s) { s.disconnect(true); });
        io_->on("drop", [](sio::socket s) { s.drop_connection(); });
        io_->on("ask", [this](sio::socket s) { ask(s); });
        io_->on("slow", [this](mad::json v) -> boost::asio::awaitable<mad::json> {
            tally::one const running(slow_);
            boost::asio::steady_timer t(co_await boost::asio::this_coro::executor);
            t.expires_after(std::chrono::seconds(5));
            boost::system::error_code ec;
            co_await t.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ec));
            co_return v;
        });
        io_->on("throw", [](std::string what) { throw std::runtime_error(what); });
    }

    void ask(sio::socket const& s) {
        if (answered_.size() >= 256)
            return;
        answered_.push_back(0);
        auto& n = answered_.back();
        s.emit_with_ack([&n](mad::result<sio::arguments>) { ++n; }, mad::seconds(20), "question",
                        "how are you?");
    }
    void ask_all() {
        answered_.push_back(0);
        auto& n = answered_.back();
        io_->timeout(mad::seconds(20))
            .emit_with_ack([&n](sio::ack_responses) { ++n; }, "question", 1);
    }

    peer& at(unsigned who) {
        auto& p = peers_[who % 4];
        if (!p) {
            p = std::make_unique<peer>(connect_to_listener());
            turn();
        }
        return *p;
    }

    void find_sids(std::string_view text) {
        constexpr std::string_view mark = "0{\"sid\":\"";
        for (auto i = text.find(mark); i != text.npos; i = text.find(mark, i + 1)) {
            auto const sid = std::string(text.substr(i + mark.size(), 20));
            if ((i > 0 && text[i - 1] == '4') || sid.size() < 20)
                continue;
            if (sids_.empty() || sids_.back() != sid)
                sids_.push_back(sid);
        }
    }

    boost::asio::io_context ctx_{1};
    std::unique_ptr<sio::server> io_;
    std::array<std::unique_ptr<peer>, 4> peers_;
    std::vector<std::string> sids_;
    std::deque<int> answered_;
    tally slow_;
    std::size_t connected_ = 0, disconnected_ = 0, echoes_ = 0;
    bool restless_ = false;
};

} // namespace mad_test::hand

#endif
