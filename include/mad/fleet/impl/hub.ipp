#ifndef MAD_FLEET_IMPL_HUB_IPP
#define MAD_FLEET_IMPL_HUB_IPP

#include <mad/fleet/detail/hub.hpp>

#include <chrono>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

MAD_DECL api::hub::hub(api& a, net::shard& home)
    : api_(a)
    , home_(home)
    , store_(a.settings_.make_store ? a.settings_.make_store(a.node_id_) : make_embedded_store()) {}

MAD_DECL void api::hub::start() {
    store_watch w;
    w.updated = [this](stored_record const& r, bool moved) {
        tell(r, moved);
        count();
    };
    w.gone = [this](std::string_view id) { tell_gone(id); };
    store_->start(home_, std::move(w));
}

MAD_DECL void api::hub::announce(std::string text, std::function<void()> done) {
    store_->announce(std::move(text), std::move(done));
}

MAD_DECL void api::hub::stop(std::function<void()> done) {
    store_->stop(std::move(done));
}

MAD_DECL void api::hub::end() {
    store_ = make_embedded_store();
}

MAD_DECL void api::hub::update(std::string const& opaque, record_view const& r) {
    auto const* const old = store_->find(r.id);
    bool const same_socket = old && old->socket_id == opaque;
    // An older sample that came late. By another connection too: the last ones of a connection
    // that the agent has given up may be read after the first of its next one.
    if (old && (same_socket || !r.run.empty()) && r.seq && old->run == r.run && *r.seq < old->seq)
        return;
    stored_record fresh;
    fresh.id = r.id;
    fresh.socket_id = opaque;
    auto const known = old ? std::string_view(old->info) : std::string_view();
    fresh.record = splice_record(r, known, opaque);
    fresh.info = r.info.empty() ? std::string(known) : std::string(r.info);
    fresh.run = r.run;
    fresh.seq = r.seq.value_or(0);
    fresh.seen = std::chrono::steady_clock::now();
    tell(fresh, old && !same_socket);
    store_->put(std::move(fresh));
    api_.counters_.updates.fetch_add(1, std::memory_order_relaxed);
    count();
}

MAD_DECL void api::hub::leave(std::string const& id, std::string const& opaque) {
    if (store_->drop(id, opaque))
        tell_gone(id);
}

MAD_DECL std::string api::hub::snapshot() const {
    std::string out(1, '[');
    store_->each([&](stored_record const& r) {
        if (out.size() > 1)
            out += ',';
        out.append(r.record);
    });
    return out += ']';
}

MAD_DECL void api::hub::tell(stored_record const& r, bool moved) {
    auto const watchers = api_.io_.to(detail::watchers_room).local();
    if (moved) // original pages add by socketID, but update and remove by id
        watchers.emit("web_client_disconnect", r.id);
    watchers.emit("web_client_update", socketio::raw_json{r.record});
}

MAD_DECL void api::hub::tell_gone(std::string_view id) {
    api_.io_.to(detail::watchers_room).local().emit("web_client_disconnect", id);
    count();
}

MAD_DECL void api::hub::count() {
    api_.counters_.agents.store(store_->size(), std::memory_order_relaxed);
    api_.counters_.own_agents.store(store_->own_size(), std::memory_order_relaxed);
}

} // namespace mad::inline MAD_ABI::fleet

#endif
