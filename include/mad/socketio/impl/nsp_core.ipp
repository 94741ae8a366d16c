#ifndef MAD_SOCKETIO_IMPL_NSP_CORE_IPP
#define MAD_SOCKETIO_IMPL_NSP_CORE_IPP

#include <mad/socketio/detail/server_core.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::socketio::detail {

// nsp_part

MAD_DECL socket_node& nsp_part::make(client_link& l) {
    auto n = std::make_unique<socket_node>(core, *this, l);
    auto const& session = l.session();
    if (session.rev() == engine::revision::eio3) {
        auto const sid = session.sid();
        std::copy(sid.begin(), sid.end(), n->name.begin());
        if (core.name() != "/")
            n->long_name = core.kept_text(std::string(core.name()).append(1, '#').append(sid));
    } else {
        auto const id = random_id(15);
        std::copy(id.begin(), id.end(), n->name.begin());
        if (core.transient()) // no text, but the namespace stays while a handle has it
            n->long_name = {core.ref(), nullptr};
    }
    if (free_slots.empty()) {
        free_slots.push_back(static_cast<std::uint32_t>(slots.size()));
        slots.emplace_back();
    }
    n->slot = free_slots.back();
    free_slots.pop_back();
    auto& s = slots[n->slot];
    n->generation = ++s.generation;
    s.node = std::move(n);
    return *s.node;
}

MAD_DECL void nsp_part::enter(socket_node& n) {
    n.connected = true;
    n.index = static_cast<std::uint32_t>(members.size());
    members.push_back(&n);
    by_id.emplace(n.id(), &n);
    core.count(1);
    if (watch)
        room_joined(std::string(n.id()), std::string(n.id()), true);
}

MAD_DECL void nsp_part::remove(socket_node& n) {
    if (!returning.empty())
        std::erase(returning, &n);
    if (n.index < members.size() && members[n.index] == &n) {
        members[n.index] = members.back();
        members[n.index]->index = n.index;
        members.pop_back();
        by_id.erase(n.id());
        core.count(-1);
    }
    auto& s = slots[n.slot];
    ++s.generation;
    free_slots.push_back(n.slot);
    home.reap(std::move(s.node)); // at the end of the turn: until then it keeps the namespace
    core.server().namespaces().release(core);
}

MAD_DECL void nsp_part::forget_handlers() {
    listeners.clear();
    on_connection.clear();
    on_disconnect.clear();
    middlewares.clear();
    on_server_side.clear();
    if (watch) { // some of them may be running
        watch->created.clear();
        watch->deleted.clear();
        watch->joined.clear();
        watch->left.clear();
        watch->presence.clear();
    }
}

MAD_DECL std::vector<socket_node*> const& nsp_part::select(target const& t) {
    selected.clear();
    auto const now = ++epoch;
    auto const visit = [&](std::vector<std::string> const& names, auto&& fn) {
        for (auto const& name : names) {
            // Each socket is in the room that has its id for a name, whoever else has joined it.
            if (auto const own = by_id.find(name); own != by_id.end())
                fn(own->second);
            if (auto const it = rooms.find(name); it != rooms.end())
                for (auto* const n : it->second->members)
                    fn(n);
        }
    };
    visit(t.except, [&](socket_node* n) { n->mark = now; });
    auto const take = [&](socket_node* n) {
        if (n->mark == now || !n->connected)
            return;
        n->mark = now;
        selected.push_back(n);
    };
    if (t.rooms.empty())
        for (auto* const n : members)
            take(n);
    else
        visit(t.rooms, take);
    return selected;
}

// nsp_core

MAD_DECL nsp_core::nsp_core(server_core& s, std::string name, parent_core* parent)
    : server_(s)
    , name_(std::move(name))
    , parent_(parent) {
    for (std::size_t i = 0; i < s.shards().size(); ++i)
        parts_.push_back(std::make_unique<nsp_part>(*this, *s.shards()[i], s.tasks(i),
                                                    static_cast<std::uint8_t>(i)));
    private_ = true; // what the adapter asks at once is done at once
    if (s.settings().adapter)
        adapter_ = s.settings().adapter(name_, *this);
    else if (s.settings().recovery)
        adapter_ = std::make_unique<recovering_adapter>(*this, *s.settings().recovery);
    else
        adapter_ = std::make_unique<in_memory_adapter>(*this);
    recovers_ = adapter_->recovers();
    private_ = false;
}

MAD_DECL nsp_core::~nsp_core() {
    adapter_.reset(); // whatever it still asks for finds the rest as it was
}

MAD_DECL void nsp_core::retire() {
    gone_.store(true, std::memory_order_relaxed);
    adapter_->retire();
    each_part([](nsp_part& p) { p.forget_handlers(); });
}

MAD_DECL void nsp_core::shut() {
    gone_.store(true, std::memory_order_relaxed);
    for (auto& p : parts_) {
        p->forget_handlers();
        p->members.clear();
        p->returning.clear();
        p->by_id.clear();
        p->slots.clear(); // sockets that were not told of the end; each keeps its namespace
    }
    adapter_.reset();
}

MAD_DECL std::shared_ptr<std::string const> nsp_core::kept_text(std::string text) {
    if (!transient())
        return std::make_shared<std::string const>(std::move(text));
    auto both = std::make_shared<std::pair<std::shared_ptr<nsp_core>, std::string> const>(
        ref(), std::move(text));
    return {both, &both->second};
}

MAD_DECL void nsp_part::deliver(encoded const& p, target const& t, broadcast_flags f) {
    // A receiver that is full may be closed: handlers run, and broadcast in their turn. The list is
    // taken out meanwhile; its nodes live until the turn ends.
    select(t);
    auto chosen = std::exchange(selected, {});
    if (f.sequence != 0)
        core.reach().delivered(index, f.sequence);
    for (auto* const n : chosen) {
        if (!n->link)
            continue;
        if (f.sequence != 0)
            n->send_kept(p, f.sequence);
        else
            n->send(p, f.is_volatile);
    }
    if (!f.is_volatile)
        for (auto* const n : returning)
            if (n->is_meant(t))
                n->miss(p, f.sequence);
    // Back, so that the next broadcast need not allocate; unless one ran meanwhile.
    if (selected.empty())
        selected = std::move(chosen);
}

MAD_DECL void nsp_core::deliver(encoded const& p, target const& t, broadcast_flags f) {
    if (!f.compress)
        p.set_compress(false);
    if (!p.packed() && server_.settings().parser == packet_parser::msgpack) {
        auto whole = p; // once for all
        whole.pack();
        return deliver(whole, t, f);
    }
    for (auto& part : parts_) {
        if (part->home.here())
            part->deliver(p, t, f); // nothing is copied
        else if (auto keep = ref())
            part->home.post(
                [p, t, f, &part = *part, keep = std::move(keep)] { part.deliver(p, t, f); });
    }
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
