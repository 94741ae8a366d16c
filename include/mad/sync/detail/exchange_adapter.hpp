#ifndef MAD_SYNC_DETAIL_EXCHANGE_ADAPTER_HPP
#define MAD_SYNC_DETAIL_EXCHANGE_ADAPTER_HPP

#include <mad/socketio/adapter.hpp>
#include <mad/sync/exchange.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::sync::detail {

/// What adapters have in common whose nodes ask each other through an `exchange`. Who derives makes
/// it first.
class exchange_adapter : public socketio::adapter {
  public:
    void broadcast(socketio::encoded const& p, socketio::target const& t,
                   socketio::broadcast_flags f) override {
        if (!f.local)
            exchange_->broadcast(p, t, f);
        exchange_->local().deliver(p, t, f);
    }
    void broadcast_with_ack(socketio::encoded const& p, std::uint64_t id, socketio::target const& t,
                            socketio::broadcast_flags f, milliseconds timeout,
                            std::function<void(socketio::ack_responses)> done) override {
        exchange_->ask(p, id, t, f, timeout, std::move(done));
    }
    void join(socketio::target const& t, std::vector<std::string> rooms) override {
        exchange_->join(t, std::move(rooms));
    }
    void leave(socketio::target const& t, std::vector<std::string> rooms) override {
        exchange_->leave(t, std::move(rooms));
    }
    void disconnect(socketio::target const& t, bool close) override {
        exchange_->disconnect(t, close);
    }
    void fetch(socketio::target const& t, exchange::infos_handler done) override {
        exchange_->fetch(t, std::move(done));
    }
    void all_rooms(exchange::names_handler done) override { exchange_->all_rooms(std::move(done)); }
    void server_side_emit(std::string_view event, socketio::arguments const& args) override {
        exchange_->server_event(event, args);
    }
    void server_side_emit_with_ack(std::string_view event, socketio::arguments const& args,
                                   milliseconds timeout,
                                   std::function<void(socketio::ack_responses)> done) override {
        exchange_->server_event(event, args, timeout, std::move(done));
    }

    /// Messages of others that were thrown away: broken, or over a limit.
    std::uint64_t dropped() const { return exchange_->dropped(); }

  protected:
    std::shared_ptr<exchange> exchange_;
};

} // namespace mad::inline MAD_ABI::sync::detail

#endif
