#ifndef MAD_FLEET_IMPL_REDIS_LEDGER_IPP
#define MAD_FLEET_IMPL_REDIS_LEDGER_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/redis_ledger.hpp>

#include <algorithm>
#include <array>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Rows in one command, and about how much a message has of them.
inline constexpr std::size_t ledger_rows = 200;
inline constexpr int ledger_scan = 500;
inline constexpr milliseconds ledger_stop{1'000};

/// KEYS: the hash. ARGV: channel, message, then for each row `s` or `d`, field, value.
inline constexpr char const* ledger_write_script = R"(
for i = 3, #ARGV, 3 do
  if ARGV[i] == 's' then redis.call('HSET', KEYS[1], ARGV[i + 1], ARGV[i + 2])
  else redis.call('HDEL', KEYS[1], ARGV[i + 1]) end
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
)";

/// ARGV: channel, message, field, `s` and what is expected or `d`, `s` and the value or `d`.
inline constexpr char const* ledger_swap_script = R"(
local is = redis.call('HGET', KEYS[1], ARGV[3])
if ARGV[4] == 's' then
  if is ~= ARGV[5] then return 0 end
elseif is then return 0 end
if ARGV[6] == 's' then redis.call('HSET', KEYS[1], ARGV[3], ARGV[7])
else redis.call('HDEL', KEYS[1], ARGV[3]) end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
)";

/// `{"n":NODE,"t":TABLE,"c":[[FIELD,VALUE],[FIELD],…]}`; a row without a value is no more.
class ledger_writer {
  public:
    ledger_writer(std::string_view node, std::string_view table) {
        append_json_string(text_ = "{\"n\":", node);
        append_json_string(text_ += ",\"t\":", table);
        text_ += ",\"c\":[";
    }
    void add(std::string_view field, std::string const* value) {
        text_ += first_ ? "[" : ",[";
        first_ = false;
        append_json_string(text_, field);
        if (value)
            append_json_string(text_ += ',', *value);
        text_ += ']';
    }
    std::string finish() && { return std::move(text_ += "]}"); }

  private:
    std::string text_;
    bool first_ = true;
};

MAD_DECL redis_ledger::redis_ledger(redis_ledger_settings s)
    : settings_(std::move(s))
    , base_(settings_.prefix + "ledger:")
    , channel_(settings_.prefix + "ledger")
    , epoch_key_(base_ + "epoch")
    , write_(ledger_write_script)
    , swap_(ledger_swap_script) {}

MAD_DECL redis_ledger::~redis_ledger() {
    if (home_)
        home_->unmark(*this);
    if (subscriber_)
        subscriber_->close();
    if (client_)
        client_->close();
}

MAD_DECL void redis_ledger::start(net::shard& home, ledger_watch w) {
    home_ = &home;
    watch_ = std::move(w);
    client_ = std::make_unique<redis::client>(home, settings_.redis, settings_.connection);
    subscriber_ = std::make_unique<redis::subscriber>(home, settings_.redis, settings_.connection);
    subscriber_->subscribe(
        channel_, guarded([this](std::string_view, std::string_view m) { on_message(m); }));
    subscriber_->on_resubscribed(guarded([this](std::uint64_t) {
        listening_ = true;
        load();
    }));
    subscriber_->on_state(guarded([this](redis::condition const& c) {
        if (c.state != redis::state::down)
            return;
        listening_ = loaded_ = false;
        note(false);
    }));
    client_->on_state(
        guarded([this](redis::condition const& c) { on_up(c.state != redis::state::down); }));
    client_->connect();
    timer_ = std::make_unique<boost::asio::steady_timer>(home.context());
    look();
}

MAD_DECL std::string const* redis_ledger::find(std::string_view table,
                                               std::string_view field) const {
    return tables_.find(table, field);
}

MAD_DECL void
redis_ledger::each(std::string_view table,
                   std::function<void(std::string_view, std::string_view)> const& fn) const {
    if (auto const* const t = tables_.find(table))
        for (auto const& [field, value] : *t)
            fn(field, value);
}

MAD_DECL std::size_t redis_ledger::size(std::string_view table) const {
    auto const* const t = tables_.find(table);
    return t ? t->size() : 0;
}

// Changes made here.

MAD_DECL void redis_ledger::put(std::string_view table, std::string_view field, std::string value) {
    change(table, field, std::move(value));
}

MAD_DECL void redis_ledger::erase(std::string_view table, std::string_view field) {
    change(table, field, std::nullopt);
}

MAD_DECL void redis_ledger::change(std::string_view table, std::string_view field,
                                   std::optional<std::string> value) {
    if (!tables_.put(table, field, value))
        return;
    dirty_.emplace(table, field);
    if (home_ && loaded_)
        home_->mark(*this);
}

/// Everything that has changed, table by table; the newest value of each row.
MAD_DECL void redis_ledger::flush() {
    while (loaded_ && !dirty_.empty()) {
        auto const table = dirty_.begin()->first;
        std::vector<row> rows;
        while (!dirty_.empty() && dirty_.begin()->first == table && rows.size() < ledger_rows) {
            rows.push_back(*dirty_.begin());
            ++under_way_[rows.back()];
            dirty_.erase(dirty_.begin());
        }
        write(table, rows, guarded([this, rows](bool good) {
                  for (auto const& r : rows) {
                      if (--under_way_[r] == 0)
                          under_way_.erase(r);
                      if (!good) // again, as soon as Redis is there or has room
                          dirty_.insert(r);
                  }
              }));
    }
}

MAD_DECL void redis_ledger::write(std::string_view table, std::vector<row> const& rows,
                                  std::function<void(bool)> done) {
    ledger_writer message(settings_.node, table);
    std::vector<std::string> args{channel_, {}};
    for (auto const& [_, field] : rows) {
        auto const* const value = tables_.find(table, field);
        message.add(field, value);
        args.insert(args.end(), {value ? "s" : "d", field, value ? *value : std::string()});
    }
    args[1] = std::move(message).finish();
    client_->eval(write_, {key(table)}, std::move(args),
                  [done = std::move(done)](result<redis::reply> r) { done(r && !r->is_error()); });
}

MAD_DECL void redis_ledger::swap(std::string_view table, std::string_view field,
                                 std::optional<std::string> expected,
                                 std::optional<std::string> value,
                                 std::function<void(result<bool>)> done) {
    ledger_writer message(settings_.node, table);
    message.add(field, value ? &*value : nullptr);
    std::vector<std::string> args{channel_,
                                  std::move(message).finish(),
                                  std::string(field),
                                  expected ? "s" : "d",
                                  expected.value_or(""),
                                  value ? "s" : "d",
                                  value.value_or("")};
    client_->eval(
        swap_, {key(table)}, std::move(args),
        guarded([this, table = std::string(table), field = std::string(field),
                 value = std::move(value), done = std::move(done)](result<redis::reply> r) {
            if (!r)
                return done(r.error());
            if (r->is_error())
                return done(r->code());
            bool const won = r->integer() == 1;
            if (won) // as the message says that is on its way
                tables_.put(table, field, value);
            done(won);
        }));
}

MAD_DECL void redis_ledger::tell(std::string message) {
    if (!up_)
        return;
    std::string text = "{\"n\":";
    append_json_string(text, settings_.node);
    append_json_string(text += ",\"m\":", message);
    client_->send(redis::command("PUBLISH", channel_, text += '}'));
}

MAD_DECL void redis_ledger::stop(std::function<void()> done) {
    timer_->cancel();
    if (!up_ || !loaded_)
        return done();
    flush();
    // Answers come in order: behind this one everything has been written.
    client_->exec(redis::command("PING").timeout(ledger_stop),
                  guarded([done = std::move(done)](auto const&) { done(); }));
}

// What others have changed.

MAD_DECL void redis_ledger::on_message(std::string_view text) {
    std::string node, table, told;
    json_span rows;
    bool has_told = false;
    auto const take = [&](std::string_view key, json_span v) {
        auto const read = [&](std::string& into) {
            into.clear();
            if (v.kind == json_kind::string)
                json_unescape(v.text, into);
        };
        if (key == "n")
            read(node);
        else if (key == "t")
            read(table);
        else if (key == "c")
            rows = v;
        else if (key == "m") {
            read(told);
            has_told = true;
        }
    };
    if (!scan_object(text, json_limits::trusted(), take) || node.empty())
        return settings_.log.warn("fleet.ledger.bad_message", {{"bytes", text.size()}});
    if (has_told) {
        if (node != settings_.node && watch_.heard)
            watch_.heard(told);
        return;
    }
    if (rows.kind != json_kind::array)
        return;
    (void)for_each_element(rows.text, json_limits::trusted(), [&](json_span r) {
        std::array<json_span, 2> parts;
        auto const n = r.kind == json_kind::array
                           ? scan_array(r.text, json_limits::trusted(), parts)
                           : result<std::size_t>(std::size_t(0));
        if (!n || *n < 1 || *n > 2 || parts[0].kind != json_kind::string)
            return;
        std::string field, value;
        json_unescape(parts[0].text, field);
        if (*n == 2)
            json_unescape(parts[1].text, value);
        if (loading_)
            heard_.emplace(table, field);
        apply(table, field, *n == 2 ? std::optional<std::string_view>(value) : std::nullopt);
    });
}

/// Redis has it so. What this node has changed since, or has under way, comes after it.
MAD_DECL void redis_ledger::apply(std::string_view table, std::string_view field,
                                  std::optional<std::string_view> value) {
    row const r(table, field);
    if (dirty_.contains(r) || under_way_.contains(r))
        return;
    if (tables_.put(table, field, value) && watch_.changed)
        watch_.changed(table, field, value);
}

// Reading all of it.

struct redis_ledger::reading {
    std::uint64_t visit = 0;
    std::size_t table = 0;
    std::string cursor = "0", epoch;
    std::map<row, std::string> found;
};

MAD_DECL void redis_ledger::on_up(bool up) {
    up_ = up;
    if (up)
        return load();
    loaded_ = false;
    note(false);
}

MAD_DECL void redis_ledger::load() {
    if (!up_ || !listening_)
        return;
    auto const r = std::make_shared<reading>();
    r->visit = ++visit_;
    loading_ = true;
    heard_.clear();
    // Whoever comes first names the epoch; it is gone when Redis has lost its data.
    auto const mine = epoch_.empty() ? random_id(9) : epoch_;
    redis::pipeline p;
    p.add("SET", epoch_key_, mine, "NX");
    p.add("GET", epoch_key_);
    client_->exec(std::move(p), guarded([this, r](result<std::vector<redis::reply>> got) {
                      if (r->visit != visit_)
                          return;
                      if (!got || (*got)[1].is_error()) {
                          loading_ = false; // again at the next look
                          return;
                      }
                      // Redis had none, and this node knows of one: the data was lost.
                      bool const lost = (*got)[0].ok() && !epoch_.empty();
                      r->epoch = (*got)[1].text();
                      if (lost)
                          for (auto const& [table, rows] : tables_.all())
                              for (auto const& one : rows)
                                  dirty_.emplace(table, one.first);
                      read_on(r);
                  }));
}

MAD_DECL void redis_ledger::read_on(std::shared_ptr<reading> r) {
    if (r->table == settings_.tables.size())
        return on_loaded(*r);
    auto const& table = settings_.tables[r->table];
    client_->exec(redis::command("HSCAN", key(table), r->cursor, "COUNT", ledger_scan),
                  guarded([this, r, table](result<redis::reply> got) {
                      if (r->visit != visit_)
                          return;
                      if (!got || got->is_error()) {
                          loading_ = false;
                          return;
                      }
                      auto const fields = (*got)[1].items();
                      for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
                          r->found.insert_or_assign(row(table, fields[i].text()),
                                                    std::string(fields[i + 1].text()));
                      r->cursor = (*got)[0].text();
                      if (r->cursor == "0" || r->cursor.empty()) {
                          ++r->table;
                          r->cursor = "0";
                      }
                      read_on(r);
                  }));
}

MAD_DECL void redis_ledger::on_loaded(reading& r) {
    // Another epoch: Redis was emptied, and others have written theirs. What only we have is of
    // before, and goes back; rows of both are as they are there.
    bool const strange = !epoch_.empty() && epoch_ != r.epoch;
    epoch_ = r.epoch;
    std::vector<row> gone;
    for (auto const& [table, rows] : tables_.all())
        for (auto const& one : rows) {
            row name(table, one.first);
            if (r.found.contains(name) || heard_.contains(name))
                continue;
            if (strange)
                dirty_.insert(std::move(name));
            else
                gone.push_back(std::move(name));
        }
    for (auto const& [table, field] : gone)
        apply(table, field, std::nullopt);
    for (auto const& [name, value] : r.found)
        if (!heard_.contains(name)) // which is younger than what was read
            apply(name.first, name.second, value);
    loading_ = false;
    loaded_ = true;
    heard_.clear();
    flush();
    note(true);
}

/// Now and then: whether Redis has lost what it had, and what could not be written or read.
MAD_DECL void redis_ledger::look() {
    timer_->expires_after(settings_.look);
    timer_->async_wait(guarded([this](error_code ec) {
        if (ec)
            return;
        look();
        if (!up_ || !listening_ || loading_)
            return;
        if (!loaded_)
            return load();
        flush();
        client_->exec(redis::command("GET", epoch_key_), guarded([this](result<redis::reply> r) {
                          if (r && !r->is_error() && r->text() != epoch_ && !loading_)
                              load();
                      }));
    }));
}

MAD_DECL void redis_ledger::note(bool ready) {
    if (std::exchange(ready_, ready) != ready && watch_.ready)
        watch_.ready(ready);
}

} // namespace detail

MAD_DECL std::unique_ptr<ledger> make_redis_ledger(redis_ledger_settings s) {
    return std::make_unique<detail::redis_ledger>(std::move(s));
}

} // namespace mad::inline MAD_ABI::fleet

#endif
