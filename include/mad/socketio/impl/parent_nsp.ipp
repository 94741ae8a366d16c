#ifndef MAD_SOCKETIO_IMPL_PARENT_NSP_IPP
#define MAD_SOCKETIO_IMPL_PARENT_NSP_IPP

#include <mad/socketio/detail/server_core.hpp>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL bool matches_glob(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0;
    // Where to go back to: the last star of each kind, and how much it has taken so far. A single
    // star cannot pass a slash; then the last double one takes more.
    constexpr auto none = std::string_view::npos;
    std::size_t one = none, one_end = 0, all = none, all_end = 0;
    for (;;) {
        if (p < pattern.size() && pattern[p] == '*') {
            bool const doubled = pattern.substr(p).starts_with("**");
            if (doubled) {
                all = p += 2;
                all_end = n;
                one = none;
            } else {
                one = ++p;
                one_end = n;
            }
            continue;
        }
        if (p == pattern.size() && n == name.size())
            return true;
        bool const fits = p < pattern.size() && n < name.size() &&
                          (pattern[p] == '?' ? name[n] != '/' : pattern[p] == name[n]);
        if (fits) {
            ++p;
            ++n;
        } else if (one != none && one_end < name.size() && name[one_end] != '/') {
            p = one;
            n = ++one_end;
        } else if (all != none && all_end < name.size()) {
            p = all;
            n = ++all_end;
            one = none;
        } else {
            return false;
        }
    }
}

MAD_DECL void parent_nsp::each_child(std::function<void(nsp const&)> fn) const {
    core_->add_setup(std::move(fn));
}

MAD_DECL std::vector<nsp> parent_nsp::children() const {
    return core_->children();
}

namespace detail {

MAD_DECL void parent_core::adopt(nsp_core& child) {
    std::lock_guard const lock(mutex_);
    // Nobody can see it yet, `children` neither: its handlers are there on every shard before any
    // socket is.
    child.set_private(true);
    for (auto const& fn : setups_)
        fn(nsp(child.ref()));
    child.set_private(false);
    children_.push_back(&child);
}

MAD_DECL void parent_core::forget(nsp_core& child) {
    std::lock_guard const lock(mutex_);
    std::erase(children_, &child);
}

MAD_DECL std::vector<nsp> parent_core::children() const {
    std::vector<nsp> out;
    std::lock_guard const lock(mutex_);
    for (auto* const c : children_)
        out.emplace_back(c->ref());
    return out;
}

MAD_DECL nsp_check::nsp_check(client_link& l, server_core& c, std::string_view n, std::string auth)
    : link_(&l)
    , core_(c)
    , home_(l.session().home())
    , alive_(c.life())
    , name_(n)
    , auth_(std::move(auth)) {}

MAD_DECL void nsp_check::go() {
    for (;;) {
        if (!link_)
            return;
        if (auto made = core_.namespaces().claim(name_)) // by another connection, meanwhile
            return decide(std::move(made), {});
        auto* const parent = core_.namespaces().parent(step_);
        if (!parent)
            return decide({}, nsp_refusal::unknown);
        ++step_;
        try {
            if (parent->quick()) {
                if (!parent->quick()(name_))
                    continue;
                return answered(step_, true);
            }
            json_limits limits;
            limits.lone_surrogates = true;
            auto auth = auth_.empty() ? result<json>(json::object()) : parse_json(auth_, limits);
            auto const self = shared_from_this();
            return parent->check()(name_, auth ? *auth : json::object(),
                                   [self, mine = step_](bool allowed) {
                                       if (auto const there = self->alive_.lock())
                                           self->home_.dispatch([self, mine, allowed] {
                                               self->answered(mine, allowed);
                                           });
                                   });
        } catch (...) {
            std::string what = "unknown exception";
            try {
                throw;
            } catch (std::exception const& e) {
                what = e.what();
            } catch (...) {
            }
            core_.settings().log.error("socketio.handler.fault",
                                       {{"event", "namespace"}, {"what", what}});
            return answered(step_, false);
        }
    }
}

MAD_DECL void nsp_check::answered(std::size_t step, bool allowed) {
    if (step != step_ || !link_)
        return;
    if (!allowed)
        return go();
    auto& all = core_.namespaces();
    decide(all.make_child(*all.parent(step_ - 1), name_), nsp_refusal::too_many);
}

MAD_DECL void nsp_check::decide(nsp_claim n, nsp_refusal why) {
    step_ = static_cast<std::size_t>(-1); // whatever comes now comes too late
    if (auto* const l = std::exchange(link_, nullptr))
        l->checked(*this, std::move(n), why);
}

} // namespace detail

} // namespace mad::inline MAD_ABI::socketio

#endif
