#ifndef MAD_SOCKETIO_IMPL_NSP_TABLE_IPP
#define MAD_SOCKETIO_IMPL_NSP_TABLE_IPP

#include <mad/socketio/detail/server_core.hpp>

namespace mad::inline MAD_ABI::socketio::detail {

MAD_DECL nsp_claim::~nsp_claim() {
    if (core_)
        table_->release(*core_);
}

MAD_DECL nsp_table::~nsp_table() {
    // Handles may be kept for longer: what belongs to the server goes now.
    for (auto const& [name, n] : all_)
        n->shut();
    for (auto const& weak : cleaned_)
        if (auto const n = weak.lock())
            n->shut();
}

MAD_DECL std::shared_ptr<nsp_core> nsp_table::get(std::string_view name) {
    std::string full(name);
    if (!full.starts_with('/'))
        full.insert(full.begin(), '/');
    std::shared_ptr<nsp_core> made;
    {
        std::lock_guard const lock(mutex_);
        auto& slot = all_[full];
        if (slot)
            return slot->ref();
        slot = std::make_shared<nsp_core>(server_, full);
        made = slot->ref();
    }
    tell_new(made);
    return made;
}

MAD_DECL nsp_claim nsp_table::claim(std::string_view name) {
    std::lock_guard const lock(mutex_);
    auto const it = all_.find(name);
    if (it == all_.end())
        return {};
    ++it->second->claims;
    return {*this, *it->second};
}

MAD_DECL parent_core& nsp_table::add_parent(std::function<bool(std::string_view)> quick,
                                            namespace_check check) {
    std::lock_guard const lock(mutex_);
    parents_.push_back(std::make_unique<parent_core>(std::move(quick), std::move(check)));
    parent_count_.store(parents_.size(), std::memory_order_release);
    return *parents_.back();
}

MAD_DECL parent_core* nsp_table::parent(std::size_t i) {
    if (i >= parent_count_.load(std::memory_order_acquire))
        return nullptr;
    std::lock_guard const lock(mutex_);
    return parents_[i].get();
}

MAD_DECL nsp_claim nsp_table::make_child(parent_core& parent, std::string_view name) {
    std::shared_ptr<nsp_core> made;
    {
        std::lock_guard const lock(mutex_);
        if (auto const it = all_.find(name); it != all_.end()) { // by another connection, meanwhile
            ++it->second->claims;
            return {*this, *it->second};
        }
        auto const& s = server_.settings();
        if (children_ >= s.max_child_namespaces)
            return {};
        auto fresh = std::make_shared<nsp_core>(
            server_, std::string(name), s.cleanup_empty_child_namespaces ? &parent : nullptr);
        parent.adopt(*fresh);
        ++fresh->claims;
        ++children_;
        made = fresh->ref();
        all_.emplace(std::string(name), std::move(fresh));
    }
    nsp_claim mine(*this, *made);
    tell_new(made);
    return mine;
}

MAD_DECL void nsp_table::release(nsp_core& n) {
    if (!n.transient())
        return;
    std::shared_ptr<nsp_core> gone; // its end may run anything: not under the lock
    {
        std::lock_guard const lock(mutex_);
        if (--n.claims > 0)
            return;
        auto const it = all_.find(n.name());
        gone = std::move(it->second);
        all_.erase(it);
        --children_;
        n.parent()->forget(n);
        if (cleaned_.size() >= cleaned_limit_) {
            std::erase_if(cleaned_, [](auto const& weak) { return weak.expired(); });
            cleaned_limit_ = 2 * cleaned_.size() + 16;
        }
        cleaned_.push_back(gone);
    }
    gone->retire();
}

MAD_DECL void nsp_table::on_new(std::function<void(nsp)> fn) {
    std::lock_guard const lock(mutex_);
    on_new_.push_back(std::move(fn));
}

MAD_DECL void nsp_table::tell_new(std::shared_ptr<nsp_core> const& made) {
    std::vector<std::function<void(nsp)>> handlers;
    {
        std::lock_guard const lock(mutex_);
        handlers = on_new_;
    }
    for (auto const& fn : handlers) {
        try {
            fn(nsp(made));
        } catch (...) {
            report_fault(*made, "new_namespace", std::current_exception());
        }
    }
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
