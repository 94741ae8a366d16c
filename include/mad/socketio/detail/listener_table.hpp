#ifndef MAD_SOCKETIO_DETAIL_LISTENER_TABLE_HPP
#define MAD_SOCKETIO_DETAIL_LISTENER_TABLE_HPP

#include <mad/socketio/listener.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

/// Handlers by event name, in order of registration. Shared, so that one that removes itself (or is
/// removed by another) stays alive while it runs.
class listener_table {
  public:
    void add(std::string event, listener fn, registration const& how = {}) {
        entries_.push_back({std::move(event), std::make_shared<listener>(std::move(fn)), how});
        kinds_ |= bit(how.kind);
        if (how.front)
            changed();
    }

    void remove(std::string_view event) {
        remove_if([&](entry const& e) { return is(e, listener_kind::event) && e.event == event; });
    }
    void remove(listener_kind kind) {
        remove_if([&](entry const& e) { return is(e, kind); });
    }
    void remove(listener_id id) {
        remove_if([&](entry const& e) { return e.how.id == id; });
    }

    void clear() {
        remove_if([](entry const&) { return true; });
    }

    bool empty() const { return entries_.empty(); }
    /// May still say yes while those that were removed run.
    bool has(listener_kind kind) const { return (kinds_ & bit(kind)) != 0; }

    /// Calls those of `event`. Ones that are added meanwhile wait for the next event. Whether there
    /// were any.
    template <class Call>
    bool run(std::string_view event, Call&& call) {
        return run(listener_kind::event, event, std::forward<Call>(call));
    }

    /// The same for those of every event.
    template <class Call>
    bool run(listener_kind kind, Call&& call) {
        return run(kind, {}, std::forward<Call>(call));
    }

  private:
    struct entry {
        std::string event;            // empty for those of every event
        std::shared_ptr<listener> fn; // null: removed
        registration how;
    };

    static unsigned bit(listener_kind k) { return 1u << static_cast<unsigned>(k); }
    static bool is(entry const& e, listener_kind kind) { return e.how.kind == kind; }

    template <class Call>
    bool run(listener_kind kind, std::string_view event, Call&& call) {
        if (!has(kind))
            return false;
        struct scope {
            listener_table& t;
            explicit scope(listener_table& x)
                : t(x) {
                ++t.running_;
            }
            ~scope() {
                if (--t.running_ == 0 && t.stale_)
                    t.sweep();
            }
        } const running(*this);
        bool any = false;
        for (std::size_t i = 0, n = entries_.size(); i < n; ++i) {
            auto& e = entries_[i];
            if (!is(e, kind) || e.event != event || !e.fn)
                continue;
            auto const fn = e.fn;
            if (e.how.once) { // before the call: it may send itself the same event
                e.fn.reset();
                stale_ = true;
            }
            any = true;
            call(*fn);
        }
        return any;
    }

    template <class Pred>
    void remove_if(Pred which) {
        // While some run only their functions go: the places of the others must not move.
        for (auto& e : entries_)
            if (which(e))
                e.fn.reset();
        changed();
    }

    void changed() {
        stale_ = true;
        if (running_ == 0)
            sweep();
    }

    void sweep() {
        std::erase_if(entries_, [](entry const& e) { return !e.fn; });
        kinds_ = 0;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            kinds_ |= bit(entries_[i].how.kind);
            if (!std::exchange(entries_[i].how.front, false))
                continue;
            auto const at = entries_.begin() + static_cast<std::ptrdiff_t>(i);
            std::rotate(entries_.begin(), at, at + 1);
        }
        stale_ = false;
    }

    std::vector<entry> entries_;
    unsigned running_ = 0, kinds_ = 0;
    bool stale_ = false;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
