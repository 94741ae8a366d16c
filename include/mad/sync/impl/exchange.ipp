#ifndef MAD_SYNC_IMPL_EXCHANGE_IPP
#define MAD_SYNC_IMPL_EXCHANGE_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/socketio/detail/split_message.hpp>
#include <mad/socketio/error.hpp>
#include <mad/sync/detail/written.hpp>
#include <mad/sync/error.hpp>
#include <mad/sync/exchange.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace mad::inline MAD_ABI::sync {

/// What other nodes owe us.
struct exchange::request {
    message_kind kind = message_kind::fetch;
    milliseconds timeout{};
    time_point deadline{};
    std::optional<std::size_t> expected; ///< nodes, without this one; unknown at first
    std::size_t nodes = 0;               ///< that have answered
    std::uint64_t clients = 0, answers = 0;
    bool local_done = false, local_late = false, late = false;
    bool says_numbers = false; ///< when it ends for want of answers
    std::size_t bytes = 0;
    error_code why;
    std::vector<socketio::socket_info> infos;
    std::vector<std::string> names;
    std::vector<json> values;
    infos_handler on_infos;
    names_handler on_names;
    acks_handler on_acks;

    bool complete() const {
        // What is here is waited for at all events: it has limits of its own.
        return local_done && (late || why ||
                              (expected && nodes >= *expected &&
                               (kind != message_kind::broadcast || answers >= clients)));
    }
};

MAD_DECL exchange::exchange(std::string nsp, socketio::local_sockets& local,
                            std::shared_ptr<sync::bus> bus, std::shared_ptr<codec const> language,
                            traits t, exchange_settings s)
    : nsp_(std::move(nsp))
    , local_(local)
    , bus_(std::move(bus))
    , codec_(std::move(language))
    , traits_(t)
    , settings_(std::move(s)) {}

MAD_DECL void exchange::close() {
    gate_.close();
    decltype(requests_) rest;
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        rest.swap(requests_);
        deadlines_.clear();
    }
}

// Requests of ours.

MAD_DECL std::string exchange::new_id() const {
    return detail::new_request_id(codec_->long_ids());
}

MAD_DECL std::size_t exchange::pending() const {
    std::lock_guard const lock(mutex_);
    return requests_.size();
}

MAD_DECL bool exchange::start(std::string const& id, request_ptr r) {
    std::unique_lock lock(mutex_);
    if (closed_ || requests_.size() >= settings_.max_pending) {
        bool const gone = closed_;
        lock.unlock();
        r->why = gone ? error::closed : error::too_many_pending;
        r->local_done = true;
        finish(*r);
        return false;
    }
    r->deadline = settings_.clock->now() + r->timeout;
    deadlines_.emplace(r->deadline, id);
    requests_.emplace(id, std::move(r));
    arm(lock);
    return true;
}

/// One timer at a time, for the earliest; those that are too early find nothing to do.
MAD_DECL void exchange::arm(std::unique_lock<std::mutex>& lock) {
    if (deadlines_.empty() || (armed_ && *armed_ <= deadlines_.begin()->first))
        return;
    armed_ = deadlines_.begin()->first;
    auto const left = std::chrono::ceil<milliseconds>(*armed_ - settings_.clock->now());
    lock.unlock();
    bus_->after(std::max(left, milliseconds(0)), [weak = weak_from_this()] {
        if (auto const self = weak.lock())
            self->on_time();
    });
    lock.lock();
}

MAD_DECL void exchange::on_time() {
    std::vector<std::string> late;
    {
        std::unique_lock lock(mutex_);
        armed_.reset();
        auto const now = settings_.clock->now();
        while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
            late.push_back(std::move(deadlines_.begin()->second));
            deadlines_.erase(deadlines_.begin());
        }
        arm(lock);
    }
    for (auto const& id : late)
        change(id, [](request& r) { r.late = true; });
}

MAD_DECL void exchange::change(std::string const& id, std::function<void(request&)> const& fn) {
    request_ptr complete;
    {
        std::lock_guard const lock(mutex_);
        auto const it = requests_.find(id);
        if (it == requests_.end())
            return;
        auto& r = *it->second;
        fn(r);
        if (r.bytes > settings_.max_answer_bytes && !r.why)
            r.why = error::too_big;
        if (!r.complete())
            return;
        complete = std::move(it->second);
        requests_.erase(it);
        auto const [first, last] = deadlines_.equal_range(complete->deadline);
        for (auto d = first; d != last; ++d)
            if (d->second == id) {
                deadlines_.erase(d);
                break;
            }
    }
    finish(*complete);
}

MAD_DECL void exchange::finish(request& r) {
    bool const short_of =
        r.late && !(r.expected && r.nodes >= *r.expected && r.answers >= r.clients);
    auto why = r.why;
    if (r.on_infos) {
        if (short_of && !why)
            why = r.says_numbers                ? answers_missing(r.nodes, r.expected.value_or(0))
                  : r.kind == message_kind::ids ? error::clients_timeout
                                                : error::fetch_timeout;
        why ? r.on_infos(why) : r.on_infos(std::move(r.infos));
    } else if (r.on_names) {
        if (short_of && !why)
            why = error::rooms_timeout;
        if (why)
            return r.on_names(why);
        std::sort(r.names.begin(), r.names.end());
        r.names.erase(std::unique(r.names.begin(), r.names.end()), r.names.end());
        r.on_names(std::move(r.names));
    } else if (r.on_acks) {
        if ((short_of || r.local_late) && !why)
            why = socketio::error::timeout;
        socketio::ack_responses out{why, std::move(r.values)};
        if (short_of && r.kind == message_kind::server_event)
            out.text = "timeout reached: only " + std::to_string(r.nodes) +
                       " responses received out of " + std::to_string(r.expected.value_or(0));
        r.on_acks(std::move(out));
    }
}

MAD_DECL void exchange::count_nodes(std::function<void(result<std::size_t>)> done) {
    redis::command c("PUBSUB", traits_.sharded ? "SHARDNUMSUB" : "NUMSUB", codec_->count_channel());
    c.idempotent();
    // In a Cluster every server counts those that are connected to itself.
    bus_->exec_on_masters(std::move(c),
                          [done = std::move(done)](result<std::vector<redis::reply>> all) {
                              if (!all)
                                  return done(all.error());
                              std::int64_t nodes = 0;
                              for (auto const& r : *all) {
                                  if (r.is_error())
                                      return done(r.code());
                                  nodes += std::max<std::int64_t>(0, r[1].as_integer().value_or(0));
                              }
                              // Not subscribed yet: this node at least is there.
                              done(static_cast<std::size_t>(std::max<std::int64_t>(1, nodes)));
                          });
}

// What is said.

MAD_DECL void exchange::publish(message_view const& m) {
    auto out = codec_->encode(m);
    redis::command c(traits_.sharded ? "SPUBLISH" : "PUBLISH", out.channel, out.body);
    if (traits_.sharded)
        c.route_by(out.channel);
    bus_->send(std::move(c));
}

MAD_DECL void exchange::say(message_view const& m) {
    if (!sender_ || !sender_(m))
        publish(m);
}

MAD_DECL void exchange::answer(message const& to, message_view m) {
    m.request_id = to.request_id;
    m.reply_to = to.uid;
    m.old_dialect = to.old_dialect;
    publish(m);
}

MAD_DECL void exchange::broadcast(socketio::encoded const& p, socketio::target const& t,
                                  socketio::broadcast_flags f) {
    detail::written const event(p);
    message_view m;
    m.kind = message_kind::broadcast;
    m.to = &t;
    m.flags = f;
    m.json = event.json;
    m.attachments = event.attachments;
    say(m);
}

MAD_DECL void exchange::ask(socketio::encoded const& p, std::uint64_t id, socketio::target const& t,
                            socketio::broadcast_flags f, milliseconds timeout, acks_handler done) {
    // 5.x has no such request, and ends at what it cannot parse.
    if (f.local || traits_.old_dialect)
        return local_.deliver_with_ack(p, id, t, f, timeout, std::move(done));
    auto const request_id = new_id();
    auto r = std::make_unique<request>();
    r->kind = message_kind::broadcast;
    r->timeout = timeout;
    r->on_acks = std::move(done);
    if (!start(request_id, std::move(r)))
        return;
    detail::written const event(p);
    message_view m;
    m.kind = message_kind::broadcast;
    m.request_id = request_id;
    m.to = &t;
    m.flags = f;
    m.timeout = timeout;
    m.json = event.json;
    m.attachments = event.attachments;
    say(m);
    auto const weak = weak_from_this();
    count_nodes([weak, request_id](result<std::size_t> nodes) {
        if (auto const self = weak.lock())
            self->change(request_id, [&](request& of) {
                if (nodes)
                    of.expected = *nodes - 1;
                else
                    of.why = nodes.error(); // what is here still counts
            });
    });
    local_.deliver_with_ack(p, id, t, f, timeout, [weak, request_id](socketio::ack_responses a) {
        if (auto const self = weak.lock())
            self->change(request_id, [&](request& of) {
                of.local_done = true;
                of.local_late = a.ec == socketio::error::timeout;
                of.late = of.late || of.local_late;
                if (a.ec && a.ec != socketio::error::timeout && !of.why)
                    of.why = a.ec;
                std::move(a.values.begin(), a.values.end(), std::back_inserter(of.values));
            });
    });
}

MAD_DECL void exchange::join(socketio::target const& t, std::vector<std::string> rooms) {
    if (traits_.old_dialect) {
        each_remote(t, [this, rooms](std::string const& id) {
            socketio::target const one{{id}, {}};
            for (auto const& room : rooms) {
                auto const request_id = new_id();
                message_view m;
                m.kind = message_kind::join;
                m.old_dialect = true;
                m.request_id = request_id;
                m.to = &one;
                m.rooms = std::span(&room, 1);
                say(m);
            }
        });
    } else {
        message_view m;
        m.kind = message_kind::join;
        m.to = &t;
        m.rooms = rooms;
        say(m);
    }
    local_.join_local(t, std::move(rooms));
}

MAD_DECL void exchange::leave(socketio::target const& t, std::vector<std::string> rooms) {
    if (traits_.old_dialect) {
        each_remote(t, [this, rooms](std::string const& id) {
            socketio::target const one{{id}, {}};
            for (auto const& room : rooms) {
                auto const request_id = new_id();
                message_view m;
                m.kind = message_kind::leave;
                m.old_dialect = true;
                m.request_id = request_id;
                m.to = &one;
                m.rooms = std::span(&room, 1);
                say(m);
            }
        });
    } else {
        message_view m;
        m.kind = message_kind::leave;
        m.to = &t;
        m.rooms = rooms;
        say(m);
    }
    local_.leave_local(t, std::move(rooms));
}

MAD_DECL void exchange::disconnect(socketio::target const& t, bool close) {
    if (traits_.old_dialect) {
        each_remote(t, [this, close](std::string const& id) {
            socketio::target const one{{id}, {}};
            auto const request_id = new_id();
            message_view m;
            m.kind = message_kind::disconnect;
            m.old_dialect = true;
            m.request_id = request_id;
            m.to = &one;
            m.close = close;
            say(m);
        });
    } else {
        message_view m;
        m.kind = message_kind::disconnect;
        m.to = &t;
        m.close = close;
        say(m);
    }
    local_.disconnect_local(t, close);
}

/// 5.x moves one socket at a time: their ids are asked for first.
MAD_DECL void exchange::each_remote(socketio::target const& t,
                                    std::function<void(std::string const&)> fn) {
    fetch_from_others(t, false,
                      [self = shared_from_this(),
                       fn = std::move(fn)](result<std::vector<socketio::socket_info>> all) {
                          if (all)
                              for (auto const& i : *all)
                                  fn(i.id);
                      });
}

MAD_DECL void exchange::ask_others(message_kind kind, socketio::target const& t, request_ptr r,
                                   std::function<void(std::string const&)> begun) {
    auto const shared = std::make_shared<request_ptr>(std::move(r));
    count_nodes([self = shared_from_this(), kind, t, shared,
                 begun = std::move(begun)](result<std::size_t> nodes) {
        auto& waiting = *shared;
        if (!nodes) {
            waiting->why = nodes.error();
            waiting->local_done = true;
            return finish(*waiting);
        }
        waiting->kind =
            kind == message_kind::fetch && self->traits_.old_dialect ? message_kind::ids : kind;
        waiting->expected = *nodes - 1;
        waiting->timeout = self->settings_.requests_timeout;
        bool const alone = *waiting->expected == 0;
        auto const id = self->new_id();
        if (!self->start(id, std::move(waiting)))
            return;
        if (!alone) {
            message_view m;
            m.kind = kind;
            m.old_dialect = self->traits_.old_dialect;
            m.request_id = id;
            m.to = &t;
            self->say(m);
        }
        self->inside([&] { begun(id); });
    });
}

MAD_DECL void exchange::fetch(socketio::target const& t, infos_handler done) {
    fetch_from_others(t, true, std::move(done));
}

MAD_DECL void exchange::fetch_from_others(socketio::target const& t, bool with_local,
                                          infos_handler done) {
    if (traits_.old_dialect && !t.except.empty()) {
        // Nobody can be left out in 5.x: those in `except` are asked for too, and taken away.
        auto const self = shared_from_this();
        return fetch_from_others(
            {t.rooms, {}}, with_local,
            [self, t, with_local,
             done = std::move(done)](result<std::vector<socketio::socket_info>> all) {
                if (!all)
                    return done(all.error());
                self->fetch_from_others(
                    {t.except, {}}, with_local,
                    [all = std::move(*all),
                     done](result<std::vector<socketio::socket_info>> others) mutable {
                        if (!others)
                            return done(others.error());
                        std::erase_if(all, [&](auto const& i) {
                            return std::any_of(others->begin(), others->end(),
                                               [&](auto const& o) { return o.id == i.id; });
                        });
                        done(std::move(all));
                    });
            });
    }
    auto r = std::make_unique<request>();
    r->on_infos = std::move(done);
    r->says_numbers = !codec_->lists_rooms(); // as the reference of the adapters of this codec
    auto const self = shared_from_this();
    ask_others(message_kind::fetch, t, std::move(r), [self, t, with_local](std::string const& id) {
        if (!with_local)
            return self->change(id, [](request& of) { of.local_done = true; });
        self->local_.fetch_local(t, [self, id](std::vector<socketio::socket_info> here) {
            self->change(id, [&](request& of) {
                of.local_done = true;
                std::move(here.begin(), here.end(), std::back_inserter(of.infos));
            });
        });
    });
}

MAD_DECL void exchange::all_rooms(names_handler done) {
    if (!codec_->lists_rooms())
        return fetch({}, [done = std::move(done)](result<std::vector<socketio::socket_info>> all) {
            if (!all)
                return done(all.error());
            std::vector<std::string> names;
            for (auto& i : *all)
                std::move(i.rooms.begin(), i.rooms.end(), std::back_inserter(names));
            std::sort(names.begin(), names.end());
            names.erase(std::unique(names.begin(), names.end()), names.end());
            done(std::move(names));
        });
    auto r = std::make_unique<request>();
    r->on_names = std::move(done);
    auto const self = shared_from_this();
    ask_others(message_kind::room_list, {}, std::move(r), [self](std::string const& id) {
        self->local_.rooms_local([self, id](std::vector<std::string> here) {
            self->change(id, [&](request& of) {
                of.local_done = true;
                std::move(here.begin(), here.end(), std::back_inserter(of.names));
            });
        });
    });
}

MAD_DECL void exchange::server_event(std::string_view event, socketio::arguments const& args) {
    detail::written const data(event, args, codec_->bytes_in_events());
    message_view m;
    m.kind = message_kind::server_event;
    m.old_dialect = traits_.old_dialect;
    m.json = data.json;
    m.attachments = data.attachments;
    if (!traits_.old_dialect)
        return say(m);
    // Every request of 5.x is answered and has an id; by that we know our own.
    auto const id = new_id();
    m.request_id = id;
    auto r = std::make_unique<request>();
    r->kind = message_kind::server_event;
    r->timeout = settings_.requests_timeout;
    r->local_done = true;
    if (start(id, std::move(r)))
        say(m);
}

MAD_DECL void exchange::server_event(std::string_view event, socketio::arguments const& args,
                                     milliseconds timeout, acks_handler done) {
    auto const data =
        std::make_shared<detail::written const>(event, args, codec_->bytes_in_events());
    auto r = std::make_unique<request>();
    r->kind = message_kind::server_event;
    r->timeout = timeout;
    r->local_done = true;
    r->on_acks = std::move(done);
    auto const shared = std::make_shared<request_ptr>(std::move(r));
    count_nodes([self = shared_from_this(), data, shared](result<std::size_t> nodes) {
        auto& waiting = *shared;
        if (!nodes || *nodes <= 1) {
            if (!nodes)
                waiting->why = nodes.error();
            return finish(*waiting);
        }
        waiting->expected = *nodes - 1;
        auto const id = self->new_id();
        if (!self->start(id, std::move(waiting)))
            return;
        message_view m;
        m.kind = message_kind::server_event;
        m.old_dialect = self->traits_.old_dialect;
        m.request_id = id;
        m.json = data->json;
        m.attachments = data->attachments;
        self->say(m);
    });
}

} // namespace mad::inline MAD_ABI::sync

#endif
