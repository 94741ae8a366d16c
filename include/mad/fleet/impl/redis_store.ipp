#ifndef MAD_FLEET_IMPL_REDIS_STORE_IPP
#define MAD_FLEET_IMPL_REDIS_STORE_IPP

#include <mad/fleet/redis_store.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::size_t join_chunk_bytes = 256 * 1024;
inline constexpr std::size_t join_room = 256 * 1024 * 1024;
inline constexpr int scan_count = 1'000;
inline constexpr milliseconds leave_limit{1'000};

/// Only who finds no lease may take the records; both in one step, as the node may be coming back.
inline constexpr char const* reap_script = R"(
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local all = redis.call('HGETALL', KEYS[2])
redis.call('DEL', KEYS[2], KEYS[3])
return all
)";

/// Refused for what Redis is short of at the moment, not for what was asked.
inline bool is_shortage(redis::reply const& r) {
    auto const code = r.code();
    return code == redis::error::out_of_memory || code == redis::error::misconfigured;
}

/// What the answers of writes come to.
inline result<written> sum_up(std::span<redis::reply const> all) {
    written out;
    for (auto const& r : all) {
        if (!r.is_error())
            continue;
        if (!is_shortage(r))
            return r.code();
        out.kept = false;
        out.text = r.text();
    }
    return out;
}

inline error_code first_error(std::span<redis::reply const> all) {
    for (auto const& r : all)
        if (r.is_error() && !is_shortage(r))
            return r.code();
    return {};
}

/// The answer of TIME, in ms.
inline std::int64_t time_of(redis::reply const& r) {
    return r[0].as_integer().value_or(0) * 1000 + r[1].as_integer().value_or(0) / 1000;
}

inline std::optional<std::string> text_of(redis::reply const& r) {
    if (r.is_nil())
        return std::nullopt;
    return std::string(r.text());
}

MAD_DECL redis_names::redis_names(std::string_view prefix, std::string_view node) {
    // The braces keep all that is one node's in one slot of a Cluster.
    auto const begin = std::string(prefix).append("{").append(node).append("}:");
    lease = begin + "lease";
    clients = begin + "clients";
    fresh = begin + "fresh";
    address = begin + "address";
}

MAD_DECL redis_link::redis_link(redis_store_settings const& s)
    : settings_(s)
    , own_(s.prefix, s.sharing.node)
    , nodes_(s.prefix + "nodes")
    , channel_(s.prefix + "fleet")
    , reap_(reap_script) {}

MAD_DECL redis_link::~redis_link() {
    if (subscriber_)
        subscriber_->close();
    if (client_)
        client_->close();
}

MAD_DECL void redis_link::start(net::shard& home, events e) {
    says_ = std::move(e);
    client_ = std::make_unique<redis::client>(home, settings_.redis, settings_.connection);
    subscriber_ = std::make_unique<redis::subscriber>(home, settings_.redis, settings_.connection);
    subscriber_->subscribe(
        channel_, guarded([this](std::string_view, std::string_view m) { says_.message(m); }));
    if (settings_.legacy_keys)
        subscriber_->subscribe(
            std::string(original_.channel()),
            guarded([this](std::string_view, std::string_view m) { on_original(m); }));
    subscriber_->on_resubscribed(guarded([this](std::uint64_t) { says_.listening(); }));
    subscriber_->on_state(guarded([this](redis::condition const& c) {
        if (c.state == redis::state::down)
            says_.deaf();
    }));
    client_->on_state(guarded([this](redis::condition const& c) { on_state(c); }));
    client_->connect();
}

MAD_DECL void redis_link::on_state(redis::condition const& c) {
    bool const up = c.state != redis::state::down;
    if (up == up_) {
        if (!up && !c.text.empty())
            says_.down(c.text);
        return;
    }
    up_ = up;
    if (!up)
        return says_.down(c.text);
    if (std::exchange(ever_up_, true))
        reconnects_.fetch_add(1, std::memory_order_relaxed);
    says_.up();
}

MAD_DECL redis::command redis_link::publish(std::string_view message) const {
    // In a Cluster too it goes the way of the records, and arrives after them.
    redis::command c("PUBLISH", channel_, message);
    c.route_by(own_.clients);
    return c;
}

/// All nodes ask one clock, that of the server which keeps their list.
MAD_DECL redis::command redis_link::at_nodes(redis::command c) const {
    c.route_by(nodes_);
    return c;
}

MAD_DECL void redis_link::add_lease(redis::pipeline& p, std::string_view epoch,
                                    std::int64_t score) const {
    p.add("SET", own_.lease, epoch, "PX", settings_.sharing.lease.count());
    p.add("ZADD", nodes_, score, settings_.sharing.node);
}

/// Where this node can be reached, for as long as its lease; `tell`: it is new.
MAD_DECL void redis_link::add_announcement(redis::pipeline& p, bool tell) const {
    if (announced_.empty())
        return;
    p.add("SET", own_.address, announced_, "PX", settings_.sharing.lease.count());
    if (!tell)
        return;
    redis::command c("PUBLISH", nodes_, "here " + settings_.sharing.node);
    c.route_by(own_.address);
    p.add(std::move(c));
}

MAD_DECL void redis_link::announce(std::string text, std::function<void()> done) {
    announced_ = std::move(text);
    redis::pipeline p;
    if (up_) // else it goes with the lease
        add_announcement(p, true);
    if (p.empty())
        return done();
    client_->exec(std::move(p), guarded([done = std::move(done)](auto const&) { done(); }));
}

MAD_DECL void redis_link::carry_out(redis::pipeline p, answer<written> a) {
    client_->exec(std::move(p), guarded([a = std::move(a)](result<std::vector<redis::reply>> r) {
                      a(r ? sum_up(*r) : result<written>(r.error()));
                  }));
}

MAD_DECL void redis_link::read_clock(answer<std::int64_t> a) {
    client_->exec(at_nodes(redis::command("TIME")),
                  guarded([a = std::move(a)](result<redis::reply> r) {
                      if (!r)
                          a(r.error());
                      else if (r->is_error())
                          a(r->code());
                      else
                          a(time_of(*r));
                  }));
}

MAD_DECL void redis_link::join(std::string epoch, std::int64_t score,
                               std::vector<change_batch::set> all, answer<written> a) {
    redis::pipeline p;
    // First, so that whatever is left of a node that dies half-way is found by who buries it.
    add_lease(p, epoch, score);
    add_announcement(p, true);
    p.add("DEL", own_.fresh);
    // Beside what is there, in pieces, then in one step in its place: who reads meanwhile sees the
    // old or the new, and no command is long.
    for (std::size_t i = 0; i < all.size();) {
        redis::command c("HSET", own_.fresh);
        for (std::size_t bytes = 0; i < all.size() && bytes < join_chunk_bytes; ++i) {
            c.add(all[i].id).add(all[i].envelope);
            bytes += all[i].envelope.size();
        }
        p.add(std::move(c));
    }
    if (all.empty())
        p.add("DEL", own_.clients);
    else
        p.add("RENAME", own_.fresh, own_.clients);
    if (settings_.legacy_keys) {
        told_original_.clear();
        for (auto const& s : all)
            tell_original(p, s, false);
    }
    client_->exec(std::move(p), guarded([a = std::move(a)](result<std::vector<redis::reply>> r) {
                      if (!r)
                          return a(r.error());
                      // After a refused HSET there is nothing to rename: the first error tells.
                      for (auto const& one : *r)
                          if (one.is_error())
                              return a(sum_up(std::span(&one, 1)));
                      a(written{});
                  }));
}

MAD_DECL void redis_link::renew(std::string epoch, std::int64_t score, std::string message,
                                answer<renewal> a) {
    redis::pipeline p;
    p.add(at_nodes(redis::command("TIME")));
    p.add("GET", own_.lease);
    p.add("HLEN", own_.clients);
    add_lease(p, epoch, score);
    p.add(publish(message));
    add_announcement(p, false);
    client_->exec(std::move(p), guarded([a = std::move(a)](result<std::vector<redis::reply>> r) {
                      if (!r)
                          return a(r.error());
                      if (auto const ec = first_error(*r))
                          return a(ec);
                      renewal out;
                      out.now_ms = time_of((*r)[0]);
                      out.held = text_of((*r)[1]);
                      out.records = static_cast<std::uint64_t>((*r)[2].integer());
                      out.kept = !(*r)[3].is_error() && !(*r)[4].is_error();
                      a(std::move(out));
                  }));
}

MAD_DECL void redis_link::write(change_batch b, std::string message, answer<written> a) {
    redis::pipeline p;
    if (!b.removals.empty()) {
        redis::command c("HDEL", own_.clients);
        for (auto const& r : b.removals)
            c.add(r.id);
        p.add(std::move(c));
    }
    if (!b.sets.empty()) {
        redis::command c("HSET", own_.clients);
        for (auto const& s : b.sets)
            c.add(s.id).add(s.envelope);
        p.add(std::move(c));
    }
    p.add(publish(message));
    if (settings_.legacy_keys) {
        for (auto const& r : b.removals)
            forget_original(p, r);
        for (auto const& s : b.sets)
            tell_original(p, s, true);
    }
    carry_out(std::move(p), std::move(a));
}

MAD_DECL void redis_link::send(std::string message) {
    client_->send(publish(message));
}

MAD_DECL void redis_link::read_nodes(answer<std::vector<node_sign>> a) {
    client_->exec(redis::command("ZRANGE", nodes_, 0, -1, "WITHSCORES"),
                  guarded([this, a = std::move(a)](result<redis::reply> r) {
                      if (!r)
                          return a(r.error());
                      if (r->is_error())
                          return a(r->code());
                      std::vector<node_sign> out;
                      for (std::size_t i = 0; i + 1 < r->size(); i += 2)
                          if ((*r)[i].text() != settings_.sharing.node)
                              out.push_back({std::string((*r)[i].text()),
                                             (*r)[i + 1].as_integer().value_or(0), std::nullopt});
                      a(std::move(out));
                  }));
}

MAD_DECL void redis_link::read_node(std::string node, answer<node_sign> a) {
    redis::pipeline p;
    p.add("GET", redis_names(settings_.prefix, node).lease);
    p.add("ZSCORE", nodes_, node);
    client_->exec(std::move(p), guarded([a = std::move(a), node = std::move(node)](
                                            result<std::vector<redis::reply>> r) {
                      if (!r)
                          return a(r.error());
                      if (auto const ec = first_error(*r))
                          return a(ec);
                      a(node_sign{node, (*r)[1].as_integer().value_or(0), text_of((*r)[0])});
                  }));
}

/// A hash that is read in pieces.
struct redis_link::reading {
    redis_names names;
    answer<node_records> done;
    node_records out;
    std::string cursor = "0";
    bool first = true;
};

MAD_DECL void redis_link::read_records(std::string node, answer<node_records> a) {
    auto const r = std::make_shared<reading>(
        reading{redis_names(settings_.prefix, node), std::move(a), {}, "0", true});
    read_on(r);
}

MAD_DECL void redis_link::read_on(std::shared_ptr<reading> r) {
    redis::pipeline p;
    if (r->first)
        p.add("GET", r->names.lease);
    p.add("HSCAN", r->names.clients, r->cursor, "COUNT", scan_count);
    client_->exec(std::move(p), guarded([this, r](result<std::vector<redis::reply>> got) {
                      if (!got)
                          return r->done(got.error());
                      if (auto const ec = first_error(*got))
                          return r->done(ec);
                      if (std::exchange(r->first, false))
                          r->out.epoch = text_of(got->front());
                      auto const& page = got->back();
                      r->cursor = page[0].text();
                      auto const fields = page[1].items();
                      for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
                          r->out.envelopes.emplace_back(fields[i].text(), fields[i + 1].text());
                      if (r->cursor == "0" || r->cursor.empty())
                          return r->done(std::move(r->out));
                      read_on(r);
                  }));
}

MAD_DECL void redis_link::reap(std::string node, answer<std::optional<node_records>> a) {
    redis::command lock("SET", settings_.prefix + "reap:" + node, settings_.sharing.node, "NX",
                        "PX", 10'000);
    using outcome = std::optional<node_records>;
    client_->exec(std::move(lock),
                  guarded([this, node = std::move(node), a = std::move(a)](result<redis::reply> r) {
                      if (!r)
                          return a(r.error());
                      if (!r->ok())
                          return r->is_error() ? a(r->code()) : a(outcome());
                      redis_names const n(settings_.prefix, node);
                      auto const take = [this, node, a](result<redis::reply> all) {
                          if (!all)
                              return a(all.error());
                          if (!all->is_array())
                              return all->is_error() ? a(all->code()) : a(outcome());
                          node_records out;
                          redis::pipeline p;
                          p.add("ZREM", nodes_, node);
                          for (std::size_t i = 0; i + 1 < all->size(); i += 2) {
                              out.envelopes.emplace_back((*all)[i].text(), (*all)[i + 1].text());
                              if (!settings_.legacy_keys)
                                  continue;
                              if (auto const e = fleet::read_envelope(out.envelopes.back().second))
                                  if (auto const f = read_record(e->record))
                                      p.add("DEL", "client_" + f->socket_id);
                          }
                          client_->send(std::move(p));
                          a(outcome(std::move(out)));
                      };
                      client_->eval(reap_, {n.lease, n.clients, n.fresh}, {}, guarded(take));
                  }));
}

MAD_DECL void redis_link::leave(std::string message, std::function<void()> done) {
    redis::pipeline p;
    p.add(redis::command("DEL", own_.clients, own_.fresh, own_.lease).timeout(leave_limit));
    p.add(redis::command("ZREM", nodes_, settings_.sharing.node).timeout(leave_limit));
    p.add(publish(message).timeout(leave_limit));
    if (!announced_.empty()) {
        p.add(redis::command("DEL", own_.address).timeout(leave_limit));
        redis::command c("PUBLISH", nodes_, "left " + settings_.sharing.node);
        p.add(c.route_by(own_.address).timeout(leave_limit));
    }
    for (auto const& [id, socket] : told_original_)
        p.add(redis::command("DEL", "client_" + socket).timeout(leave_limit));
    client_->exec(std::move(p), guarded([done = std::move(done)](auto const&) { done(); }));
}

// Nodes of the original.

struct redis_link::scan {
    answer<std::vector<std::string>> done;
    std::vector<std::string> records;
    std::string cursor = "0";
};

MAD_DECL void redis_link::read_foreign(answer<std::vector<std::string>> a) {
    scan_on(std::make_shared<scan>(scan{std::move(a), {}, "0"}));
}

MAD_DECL void redis_link::scan_on(std::shared_ptr<scan> s) {
    client_->exec(redis::command("SCAN", s->cursor, "MATCH", "client_*", "COUNT", 500),
                  guarded([this, s](result<redis::reply> r) {
                      if (!r)
                          return s->done(r.error());
                      if (r->is_error())
                          return s->done(r->code());
                      s->cursor = (*r)[0].text();
                      redis::command get("MGET");
                      for (auto const& key : (*r)[1].items())
                          get.add(key.text());
                      auto const go_on = [this, s] {
                          if (s->cursor == "0" || s->cursor.empty())
                              return s->done(std::move(s->records));
                          scan_on(s);
                      };
                      if (get.size() == 1)
                          return go_on();
                      client_->exec(std::move(get), guarded([s, go_on](result<redis::reply> all) {
                                        if (!all)
                                            return s->done(all.error());
                                        for (auto const& one : all->items())
                                            if (one.is_string()) // not one that has gone meanwhile
                                                s->records.emplace_back(one.text());
                                        go_on();
                                    }));
                  }));
}

MAD_DECL void redis_link::publish_to_original(redis::pipeline& p, std::string_view body) const {
    p.add(redis::command("PUBLISH", original_.channel(), body));
}

MAD_DECL void redis_link::tell_original(redis::pipeline& p, change_batch::set const& s,
                                        bool announce) {
    auto const e = fleet::read_envelope(s.envelope);
    if (!e)
        return;
    auto& socket = told_original_[s.id];
    if (!socket.empty() && socket != s.socket_id)
        p.add("DEL", "client_" + socket);
    socket = s.socket_id;
    p.add("SET", "client_" + socket, e->record, "PX", settings_.sharing.foreign_life.count());
    if (!announce)
        return;
    if (s.moved) // its consoles add by socketID, but update and remove by id
        publish_to_original(p, original_.gone(s.id));
    publish_to_original(p, original_.update(e->record));
}

MAD_DECL void redis_link::forget_original(redis::pipeline& p, change_batch::removal const& r) {
    if (auto const it = told_original_.find(r.id); it != told_original_.end()) {
        p.add("DEL", "client_" + it->second);
        told_original_.erase(it);
    }
    // Where it has moved to a node of ours that one tells them.
    if (r.left || !r.moved_to.empty())
        publish_to_original(p, original_.gone(r.id));
    if (!r.moved_to.empty()) // which has removed both of its rows
        publish_to_original(p, original_.update(r.moved_to));
}

MAD_DECL void redis_link::on_original(std::string_view body) {
    auto const e = original_.read(body);
    if (!e)
        return;
    if (e->is_update)
        says_.foreign_update(e->text);
    else
        says_.foreign_gone(e->text);
}

} // namespace detail

MAD_DECL std::unique_ptr<store> make_redis_store(redis_store_settings s) {
    s.sharing.foreign = s.legacy_keys;
    // A node writes all its records in one go when it joins: room for 100,000 agents and more.
    s.connection.max_queued_bytes = std::max(s.connection.max_queued_bytes, detail::join_room);
    auto link = std::make_unique<detail::redis_link>(s);
    return std::make_unique<shared_store>(std::move(s.sharing), std::move(link));
}

} // namespace mad::inline MAD_ABI::fleet

#endif
