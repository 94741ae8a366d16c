#ifndef MAD_SYNC_IMPL_SHARDED_ADAPTER_IPP
#define MAD_SYNC_IMPL_SHARDED_ADAPTER_IPP

#include <mad/sync/sharded_adapter.hpp>

#include <mutex>
#include <unordered_map>
#include <utility>

namespace mad::inline MAD_ABI::sync {

/// The rooms here that have a channel.
struct sharded_adapter::room_channels {
    std::mutex mutex; // held while subscribing too: calls of shards for one room keep their order
    std::unordered_map<std::string, std::uint64_t> subscribed;
    bool closed = false;
};

MAD_DECL sharded_adapter::sharded_adapter(std::string_view nsp, socketio::local_sockets& local,
                                          std::shared_ptr<bus> redis, sharded_adapter_settings s)
    : codec_(std::make_shared<cluster_codec const>(
          cluster_names{s.prefix, std::string(nsp), detail::hex_id(), s.mode, false}, s.limits))
    , rooms_(std::make_shared<room_channels>()) {
    exchange_ = std::make_shared<exchange>(std::string(nsp), local, std::move(redis), codec_,
                                           exchange::traits{false, true}, s);
    auto const hear = [weak = std::weak_ptr(exchange_)](std::string_view channel,
                                                        std::string_view body) {
        if (auto const e = weak.lock())
            e->receive(channel, body);
    };
    auto& b = exchange_->bus();
    subscriptions_.push_back(
        b.subscribe(subscription::sharded, std::string(codec_->channel()), hear));
    subscriptions_.push_back(
        b.subscribe(subscription::sharded, codec_->own_response_channel(), hear));
    if (s.mode == subscription_mode::all_in_one)
        return;
    bool const own_too = s.mode == subscription_mode::dynamic_private;
    local.watch_rooms([weak = std::weak_ptr(exchange_), known = rooms_, hear, codec = codec_,
                       own_too](std::string const& room, bool own, bool exists) {
        auto const e = weak.lock();
        if (!e || (own && !own_too))
            return;
        auto const channel = codec->room_channel(room);
        std::lock_guard const lock(known->mutex);
        if (known->closed)
            return;
        auto const it = known->subscribed.find(room);
        if (exists && it == known->subscribed.end()) {
            known->subscribed.emplace(room,
                                      e->bus().subscribe(subscription::sharded, channel, hear));
        } else if (!exists && it != known->subscribed.end()) {
            e->bus().unsubscribe(it->second);
            known->subscribed.erase(it);
        }
    });
}

MAD_DECL sharded_adapter::~sharded_adapter() {
    retire();
}

MAD_DECL void sharded_adapter::retire() {
    if (retired_.exchange(true))
        return;
    {
        std::lock_guard const lock(rooms_->mutex);
        rooms_->closed = true;
        for (auto const& [room, id] : rooms_->subscribed)
            exchange_->bus().unsubscribe(id);
    }
    for (auto const id : subscriptions_)
        exchange_->bus().unsubscribe(id);
    exchange_->close();
}

MAD_DECL socketio::adapter_factory make_sharded_adapters(std::shared_ptr<bus> redis,
                                                         sharded_adapter_settings s) {
    return [redis = std::move(redis), s = std::move(s)](std::string_view nsp,
                                                        socketio::local_sockets& local) {
        return std::make_unique<sharded_adapter>(nsp, local, redis, s);
    };
}

} // namespace mad::inline MAD_ABI::sync

#endif
