#ifndef MAD_SYNC_IMPL_REDIS_ADAPTER_IPP
#define MAD_SYNC_IMPL_REDIS_ADAPTER_IPP

#include <mad/sync/redis_adapter.hpp>

#include <utility>

namespace mad::inline MAD_ABI::sync {

MAD_DECL redis_adapter::redis_adapter(std::string_view nsp, socketio::local_sockets& local,
                                      std::shared_ptr<bus> redis, redis_adapter_settings s)
    : uid_(detail::short_id())
    , codec_(std::make_shared<classic_codec const>(
          classic_names{s.prefix, std::string(nsp), uid_, s.compat, s.specific_response_channel},
          s.limits)) {
    exchange_ = std::make_shared<exchange>(std::string(nsp), local, std::move(redis), codec_,
                                           exchange::traits{s.compat, false}, s);
    auto const hear = [weak = std::weak_ptr(exchange_)](std::string_view channel,
                                                        std::string_view body) {
        if (auto const e = weak.lock())
            e->receive(channel, body);
    };
    auto& b = exchange_->bus();
    auto const listen = [&](subscription how, std::string_view name) {
        subscriptions_.push_back(b.subscribe(how, std::string(name), hear));
    };
    listen(subscription::pattern, codec_->broadcast_pattern());
    listen(subscription::channel, codec_->request_channel());
    listen(subscription::channel, codec_->response_channel());
    listen(subscription::channel, codec_->own_response_channel());
}

MAD_DECL redis_adapter::~redis_adapter() {
    retire();
}

MAD_DECL void redis_adapter::retire() {
    if (retired_.exchange(true))
        return;
    for (auto const id : subscriptions_)
        exchange_->bus().unsubscribe(id);
    exchange_->close();
}

MAD_DECL socketio::adapter_factory make_redis_adapters(std::shared_ptr<bus> redis,
                                                       redis_adapter_settings s) {
    return [redis = std::move(redis), s = std::move(s)](std::string_view nsp,
                                                        socketio::local_sockets& local) {
        return std::make_unique<redis_adapter>(nsp, local, redis, s);
    };
}

} // namespace mad::inline MAD_ABI::sync

#endif
