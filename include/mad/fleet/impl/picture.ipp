#ifndef MAD_FLEET_IMPL_PICTURE_IPP
#define MAD_FLEET_IMPL_PICTURE_IPP

#include <mad/fleet/picture.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

MAD_DECL bool newer(claim const& a, claim const& b) {
    if (a.node == b.node)
        return std::pair(a.life, a.version) > std::pair(b.life, b.version);
    if (!a.run.empty() && a.run == b.run && a.seq && b.seq && a.seq != b.seq)
        return a.seq > b.seq;
    if (a.born != b.born)
        return a.born > b.born;
    return a.node > b.node;
}

MAD_DECL picture::picture(std::string node, store_watch w)
    : node_(std::move(node))
    , watch_(std::move(w)) {}

MAD_DECL stored_record const* picture::find(std::string_view id) const {
    auto const* const e = entry_of(id);
    return e ? &e->r : nullptr;
}

MAD_DECL void picture::each(std::function<void(stored_record const&)> const& fn) const {
    for (auto const& [id, e] : entries_)
        fn(e->r);
}

MAD_DECL picture::entry* picture::entry_of(std::string_view id) const {
    auto const it = entries_.find(id);
    return it == entries_.end() ? nullptr : it->second.get();
}

MAD_DECL picture::entry& picture::add(std::string_view id) {
    auto e = std::make_unique<entry>();
    e->r.id = id;
    std::string_view const key = e->r.id;
    return *entries_.emplace(key, std::move(e)).first->second;
}

MAD_DECL void picture::erase(entry& e) {
    auto const it = entries_.find(e.r.id);
    auto const gone = std::move(it->second); // holds the key until the entry is out
    entries_.erase(it);
}

MAD_DECL void picture::touch(entry& e) {
    if (!sharing_ || e.dirty != not_dirty)
        return;
    e.dirty = first_dirty_ + dirty_.size();
    dirty_.push_back(&e);
    ++dirty_count_;
}

MAD_DECL void picture::clean(entry& e) {
    if (e.dirty == not_dirty)
        return;
    dirty_[e.dirty - first_dirty_] = nullptr;
    e.dirty = not_dirty;
    --dirty_count_;
}

MAD_DECL void picture::disown(entry& e, bool left, std::string_view moved_to) {
    clean(e);
    --own_;
    // What others never heard of needs no farewell: while they cannot be told, this is bounded by
    // what they know.
    if (!std::exchange(e.shared, false))
        return;
    --shared_;
    auto& note = left_[e.r.id];
    note.id = e.r.id;
    note.moved_to = moved_to;
    if (left)
        note.left = version_;
}

MAD_DECL claim picture::claim_of(entry const& e) const {
    return {e.owner ? *e.owner : node_, e.life, e.version, e.born, e.r.run, e.r.seq};
}

MAD_DECL std::string const* picture::name_of(std::string_view node) {
    return &*names_.emplace(node).first;
}

MAD_DECL void picture::put(stored_record r, std::int64_t now_ms) {
    auto* e = entry_of(r.id);
    bool const fresh = !e;
    if (fresh)
        e = &add(r.id);
    if (fresh || e->owner || e->r.socket_id != r.socket_id) {
        // Later than what it replaces, whatever the clocks say.
        e->born = now_ms && !fresh ? std::max(now_ms, e->born + 1) : now_ms;
        e->since = r.seen;
        own_ += fresh || e->owner;
        e->moved = !fresh;
        e->owner = nullptr;
        e->life = 0;
        e->mark = 0;
    }
    e->version = ++version_;
    // The key of the table views the id that is there: it stays, all else is replaced.
    auto& mine = e->r;
    mine.socket_id = std::move(r.socket_id);
    mine.record = std::move(r.record);
    mine.info = std::move(r.info);
    mine.run = std::move(r.run);
    mine.seq = r.seq;
    mine.seen = r.seen;
    touch(*e);
}

MAD_DECL bool picture::drop(std::string_view id, std::string_view socket_id) {
    auto* const e = entry_of(id);
    if (!e || e->owner || e->r.socket_id != socket_id)
        return false;
    ++version_;
    disown(*e, true);
    erase(*e);
    return true;
}

MAD_DECL void picture::settle_births(std::function<std::int64_t(time_point)> const& to_shared) {
    for (auto const& [id, e] : entries_)
        if (!e->owner && e->born == 0)
            e->born = to_shared(e->since);
}

MAD_DECL change_batch::set picture::share(entry& e) {
    shared_ += !std::exchange(e.shared, true);
    return {e.r.id, e.r.socket_id, write_envelope({e.born, e.version, e.r.record}),
            std::exchange(e.moved, false)};
}

MAD_DECL std::vector<change_batch::set> picture::begin_sharing() {
    end_sharing();
    sharing_ = true;
    std::vector<change_batch::set> all;
    all.reserve(own_);
    for (auto const& [id, e] : entries_)
        if (!e->owner)
            all.push_back(share(*e));
    return all;
}

MAD_DECL void picture::end_sharing() {
    sharing_ = false;
    for (auto* const e : dirty_)
        if (e)
            e->dirty = not_dirty;
    dirty_.clear();
    dirty_count_ = 0;
    left_.clear();
    for (auto const& [id, e] : entries_)
        e->shared = false;
    shared_ = 0;
}

MAD_DECL change_batch picture::next_batch(std::size_t max_bytes) {
    change_batch out;
    for (auto& [id, note] : left_)
        out.removals.push_back(std::move(note));
    left_.clear();
    std::size_t bytes = 0;
    while (!dirty_.empty() && bytes < max_bytes) {
        auto* const e = dirty_.front();
        dirty_.pop_front();
        ++first_dirty_;
        if (!e)
            continue;
        e->dirty = not_dirty;
        --dirty_count_;
        out.sets.push_back(share(*e));
        bytes += out.sets.back().envelope.size();
    }
    return out;
}

MAD_DECL picture::outcome picture::merge(std::string_view node, std::uint32_t life,
                                         envelope const& m, time_point now, std::uint64_t mark) {
    auto facts = read_record(m.record);
    if (!facts || node == node_)
        return outcome::refused;
    auto* e = entry_of(facts->id);
    if (e) {
        if (mark && e->owner && *e->owner == node)
            e->mark = mark;
        claim const theirs{node, life, m.version, m.born, facts->run, facts->seq.value_or(0)};
        if (!newer(theirs, claim_of(*e)))
            return outcome::older;
        if (!e->owner)
            disown(*e, false, node == foreign_node ? m.record : std::string_view());
    }
    bool const moved = e && e->r.socket_id != facts->socket_id;
    if (!e)
        e = &add(facts->id);
    e->owner = name_of(node);
    e->life = life;
    e->version = m.version;
    e->born = m.born;
    e->mark = mark;
    e->r.socket_id = std::move(facts->socket_id);
    e->r.record = m.record;
    e->r.info = facts->info;
    e->r.run = std::move(facts->run);
    e->r.seq = facts->seq.value_or(0);
    e->r.seen = now;
    if (watch_.updated)
        watch_.updated(e->r, moved);
    return outcome::taken;
}

MAD_DECL bool picture::merge_gone(std::string_view node, std::uint32_t life, std::string_view id,
                                  std::uint64_t version) {
    auto* const e = entry_of(id);
    if (!e || !e->owner || *e->owner != node ||
        std::pair(e->life, e->version) >= std::pair(life, version))
        return false;
    std::string const name = e->r.id;
    erase(*e);
    if (watch_.gone)
        watch_.gone(name);
    return true;
}

template <class Which>
std::size_t picture::remove_if(std::string_view node, Which which) {
    std::vector<std::string> gone;
    for (auto const& [id, e] : entries_)
        if (e->owner && *e->owner == node && which(*e))
            gone.push_back(e->r.id);
    for (auto const& id : gone) {
        erase(*entry_of(id));
        if (watch_.gone)
            watch_.gone(id);
    }
    return gone.size();
}

MAD_DECL std::size_t picture::sweep(std::string_view node, std::uint64_t mark) {
    return remove_if(node, [mark](entry const& e) { return e.mark != mark; });
}

MAD_DECL std::size_t picture::expire(std::string_view node, time_point limit) {
    return remove_if(node, [limit](entry const& e) { return e.r.seen < limit; });
}

MAD_DECL std::unordered_set<std::string> picture::owners() const {
    std::unordered_set<std::string> out;
    for (auto const& [id, e] : entries_)
        if (e->owner)
            out.insert(*e->owner);
    return out;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
