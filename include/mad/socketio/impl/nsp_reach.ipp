#ifndef MAD_SOCKETIO_IMPL_NSP_REACH_IPP
#define MAD_SOCKETIO_IMPL_NSP_REACH_IPP

#include <mad/socketio/detail/gather.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <mutex>

// What adapters ask of the sockets of this node, on all shards.

namespace mad::inline MAD_ABI::socketio::detail {

/// Answers to one broadcast, from all shards.
class ack_collector : public std::enable_shared_from_this<ack_collector> {
  public:
    ack_collector(net::shard& s, std::size_t parts, std::function<void(ack_responses)> done)
        : timer_(s.context())
        , done_(std::move(done))
        , parts_left_(parts) {}

    void start(milliseconds timeout) {
        timer_.expires_after(timeout);
        timer_.async_wait([self = shared_from_this()](error_code ec) {
            if (!ec)
                self->finish(error::timeout);
        });
    }

    void asked(std::size_t n) {
        std::unique_lock lock(mutex_);
        expected_ += n;
        --parts_left_;
        finish_if_complete(lock);
    }

    void answered(result<arguments> a) {
        std::unique_lock lock(mutex_);
        ++seen_;
        if (a)
            values_.push_back(a->empty() ? json() : std::move(a->values.front()));
        else if (why_ != error::timeout)
            why_ = a.error();
        finish_if_complete(lock);
    }

  private:
    void finish_if_complete(std::unique_lock<std::mutex>& lock) {
        if (parts_left_ > 0 || seen_ < expected_)
            return;
        auto const why = why_;
        lock.unlock();
        finish(why);
        // Not to be held, nor the loop with it, for the rest of the time.
        boost::asio::post(timer_.get_executor(),
                          [self = shared_from_this()] { self->timer_.cancel(); });
    }

    void finish(error_code ec) {
        std::function<void(ack_responses)> done;
        ack_responses out;
        {
            std::lock_guard const lock(mutex_);
            done = std::exchange(done_, nullptr);
            out = {ec, std::move(values_)};
        }
        if (done)
            done(std::move(out));
    }

    boost::asio::steady_timer timer_; // late answers find `done_` empty
    std::mutex mutex_;
    std::function<void(ack_responses)> done_;
    std::vector<json> values_;
    std::size_t parts_left_, expected_ = 0, seen_ = 0;
    error_code why_; // of an answer that is missing; a timeout before all else
};

MAD_DECL void nsp_core::deliver_with_ack(encoded const& p, std::uint64_t id, target const& t,
                                         broadcast_flags f, milliseconds timeout,
                                         std::function<void(ack_responses)> done) {
    if (!f.compress)
        p.set_compress(false);
    if (!p.packed() && server_.settings().parser == packet_parser::msgpack) {
        auto whole = p;
        whole.pack();
        return deliver_with_ack(whole, id, t, f, timeout, std::move(done));
    }
    auto const all =
        std::make_shared<ack_collector>(parts_.front()->home, parts_.size(), std::move(done));
    parts_.front()->home.dispatch([all, timeout] { all->start(timeout); });
    each_part([p, id, t, f, timeout, all](nsp_part& part) {
        auto const chosen = part.select(t);
        all->asked(chosen.size());
        for (auto* const n : chosen) {
            if (!n->link) { // ended by what came of sending to another
                all->answered(error_code(error::not_acknowledged));
                continue;
            }
            auto w = std::make_unique<awaited_ack>(
                *n, id, [all](result<arguments> a) { all->answered(std::move(a)); });
            part.home.deadlines().arm(w->limit, timeout);
            n->extras().acks.insert_or_assign(id, std::move(w));
            n->send(p, f.is_volatile);
        }
    });
}

MAD_DECL void nsp_core::join_local(target const& t, std::vector<std::string> rooms) {
    each_part([t, rooms](nsp_part& part) {
        for (auto* const n : std::vector(part.select(t)))
            for (auto const& r : rooms)
                n->join(r);
    });
}

MAD_DECL void nsp_core::leave_local(target const& t, std::vector<std::string> rooms) {
    each_part([t, rooms](nsp_part& part) {
        for (auto* const n : std::vector(part.select(t)))
            for (auto const& r : rooms)
                n->leave(r);
    });
}

MAD_DECL void nsp_core::disconnect_local(target const& t, bool close) {
    each_part([t, close](nsp_part& part) {
        for (auto* const n : std::vector(part.select(t)))
            n->handle().disconnect(close);
    });
}

MAD_DECL void nsp_core::fetch_local(target const& t,
                                    std::function<void(std::vector<socket_info>)> done) {
    auto const collect = [t](nsp_part& part) {
        std::vector<socket_info> here;
        for (auto* const n : std::vector(part.select(t))) {
            socket_info info;
            info.id = n->id();
            info.rooms.push_back(info.id);
            for (auto const* const r : n->rooms)
                info.rooms.push_back(r->name);
            if (n->more && !n->more->data.is_null())
                append_json(info.data, n->more->data);
            else
                info.data = "{}";
            if (n->link)
                append_json(info.handshake,
                            handshake(n->link->session().handshake(), n->auth_text()).to_json());
            here.push_back(std::move(info));
        }
        return here;
    };
    gather<std::vector<socket_info>>(*this, collect, std::move(done));
}

MAD_DECL void nsp_core::ids_local(target const& t,
                                  std::function<void(std::vector<std::string>)> done) {
    auto const collect = [t](nsp_part& part) {
        std::vector<std::string> here;
        for (auto const* const n : part.select(t))
            here.emplace_back(n->id());
        return here;
    };
    gather<std::vector<std::string>>(*this, collect, std::move(done));
}

MAD_DECL void nsp_core::rooms_local(std::function<void(std::vector<std::string>)> done) {
    auto const collect = [](nsp_part& part) {
        std::vector<std::string> here;
        here.reserve(part.members.size() + part.rooms.size());
        for (auto const* const n : part.members)
            here.emplace_back(n->id());
        for (auto const& [name, r] : part.rooms)
            here.emplace_back(name);
        return here;
    };
    auto const once = [done = std::move(done)](std::vector<std::string> all) {
        std::sort(all.begin(), all.end()); // several shards may have the same one
        all.erase(std::unique(all.begin(), all.end()), all.end());
        done(std::move(all));
    };
    gather<std::vector<std::string>>(*this, collect, once);
}

MAD_DECL void nsp_core::ask_local(std::function<encoded(std::uint64_t)> const& make,
                                  target const& t, broadcast_flags f, milliseconds timeout,
                                  std::function<void(std::size_t)> counted,
                                  std::function<void(json)> answered) {
    auto const id = next_ack_id();
    auto p = make(id);
    if (!f.compress)
        p.set_compress(false);
    if (server_.settings().parser == packet_parser::msgpack)
        p.pack();
    auto const ask = [p, id, t, f, timeout, answered = std::move(answered)](nsp_part& part) {
        auto const chosen = part.select(t);
        for (auto* const n : chosen) {
            if (!n->link) // ended by what came of sending to another
                continue;
            auto w = std::make_unique<awaited_ack>(*n, id, [answered](result<arguments> a) {
                if (a)
                    answered(a->empty() ? json() : std::move(a->values.front()));
            });
            part.home.deadlines().arm(w->limit, timeout);
            n->extras().acks.insert_or_assign(id, std::move(w));
            n->send(p, f.is_volatile);
        }
        return chosen.size();
    };
    gather<std::size_t>(*this, ask, std::move(counted));
}

MAD_DECL void nsp_core::watch_rooms(std::function<void(std::string const&, bool, bool)> fn) {
    each_part([fn = std::move(fn)](nsp_part& p) { p.watch_rooms().presence.push_back(fn); });
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
