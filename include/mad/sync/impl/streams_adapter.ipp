#ifndef MAD_SYNC_IMPL_STREAMS_ADAPTER_IPP
#define MAD_SYNC_IMPL_STREAMS_ADAPTER_IPP

#include <mad/core/base64.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/sync/detail/fields.hpp>
#include <mad/sync/detail/stream_node.hpp>
#include <mad/sync/detail/written.hpp>
#include <mad/sync/streams_adapter.hpp>

#include <utility>

namespace mad::inline MAD_ABI::sync {

namespace detail {

/// As JavaScript counts characters; a negative remainder, of which the reference makes a stream
/// that nobody reads, is taken from the other end.
inline std::size_t lane_of(std::string_view nsp, std::size_t lanes) {
    std::uint32_t hash = 0;
    for (std::size_t i = 0; i < nsp.size();) {
        auto const n = std::max<std::size_t>(1, utf8_sequence_length(nsp.substr(i)));
        char32_t c = static_cast<unsigned char>(nsp[i]);
        if (n > 1)
            c &= 0xffu >> (n + 1);
        for (std::size_t k = 1; k < n; ++k)
            c = c << 6 | (static_cast<unsigned char>(nsp[i + k]) & 0x3fu);
        i += n;
        if (c >= 0x10000) {
            hash = hash * 31 + (0xd800u + ((c - 0x10000) >> 10));
            hash = hash * 31 + (0xdc00u + ((c - 0x10000) & 0x3ff));
        } else {
            hash = hash * 31 + c;
        }
    }
    auto const count = static_cast<std::int64_t>(lanes);
    auto const at = static_cast<std::int64_t>(static_cast<std::int32_t>(hash)) % count;
    return static_cast<std::size_t>(at < 0 ? at + count : at);
}

// stream_reader

MAD_DECL stream_reader::stream_reader(std::shared_ptr<sync::bus> redis, streams_adapter_settings s)
    : bus_(std::move(redis))
    , settings_(std::move(s))
    , lanes_(std::max<std::size_t>(1, settings_.stream_count)) {}

MAD_DECL std::size_t stream_reader::lane_of(std::string_view nsp) const {
    return detail::lane_of(nsp, lanes_.size());
}

MAD_DECL std::string stream_reader::name_of(std::size_t at) const {
    return lanes_.size() == 1 ? settings_.stream : settings_.stream + '-' + std::to_string(at);
}

MAD_DECL void stream_reader::add(std::string const& nsp, std::weak_ptr<stream_node> n) {
    std::lock_guard const lock(mutex_);
    nodes_[nsp] = std::move(n);
}

MAD_DECL void stream_reader::remove(std::string const& nsp, stream_node const& n) {
    std::lock_guard const lock(mutex_);
    auto const it = nodes_.find(nsp);
    if (it != nodes_.end() && it->second.lock().get() == &n) // else one that came later
        nodes_.erase(it);
}

MAD_DECL void stream_reader::start() {
    for (std::size_t i = 0; i < lanes_.size(); ++i)
        poll(i);
}

MAD_DECL void stream_reader::poll_later(std::size_t at) {
    bus_->after(milliseconds(250), [weak = weak_from_this(), at] {
        if (auto const self = weak.lock())
            self->poll(at);
    });
}

MAD_DECL void stream_reader::poll(std::size_t at) {
    auto& l = lanes_[at];
    auto const stream = name_of(at);
    auto const weak = weak_from_this();
    if (!l.placed) {
        // Not `$`, as the reference has it: what is added between two reads would be missed.
        redis::command last("XREVRANGE", stream, "+", "-", "COUNT", 1);
        last.idempotent();
        return bus_->exec_blocking(at, std::move(last), [weak, at](result<redis::reply> r) {
            auto const self = weak.lock();
            if (!self)
                return;
            if (!r || r->is_error())
                return self->poll_later(at);
            auto& here = self->lanes_[at];
            if (auto const e = read_entry((*r)[0]))
                here.last = e->id;
            here.placed = true;
            self->poll(at);
        });
    }
    redis::command read("XREAD", "COUNT", settings_.read_count, "BLOCK",
                        settings_.block_time.count(), "STREAMS", stream, l.last.text());
    read.idempotent().timeout(settings_.block_time + seconds(5));
    bus_->exec_blocking(at, std::move(read), [weak, at](result<redis::reply> r) {
        auto const self = weak.lock();
        if (!self)
            return;
        if (!r || r->is_error())
            return self->poll_later(at);
        self->take(at, (*r)[0][1]);
        self->poll(at);
    });
}

MAD_DECL void stream_reader::take(std::size_t at, redis::reply const& entries) {
    for (auto const& each : entries.items()) {
        auto const e = read_entry(each);
        if (!e)
            continue;
        std::shared_ptr<stream_node> node;
        {
            std::lock_guard const lock(mutex_);
            auto const it = nodes_.find(std::string(e->nsp));
            if (it != nodes_.end())
                node = it->second.lock();
        }
        if (node)
            node->on_entry(*e);
        lanes_[at].last = std::max(lanes_[at].last, e->id);
    }
}

// stream_node

MAD_DECL stream_node::stream_node(std::string nsp, socketio::local_sockets& local,
                                  std::shared_ptr<sync::bus> redis,
                                  std::shared_ptr<stream_reader> reader,
                                  streams_adapter_settings const& s)
    : settings_(s)
    , codec_(std::make_shared<cluster_codec const>(
          cluster_names{s.prefix, nsp, hex_id(), subscription_mode::all_in_one, true}, s.limits))
    , exchange_(std::make_shared<sync::exchange>(
          nsp, local, std::move(redis), codec_, sync::exchange::traits{false, s.sharded_pubsub}, s))
    , reader_(std::move(reader))
    , lane_(reader_->lane_of(nsp))
    , stream_(reader_->name_of(lane_)) {}

MAD_DECL void stream_node::open() {
    auto const hear = [weak = std::weak_ptr(exchange_)](std::string_view channel,
                                                        std::string_view body) {
        if (auto const e = weak.lock())
            e->receive(channel, body);
    };
    auto const how = settings_.sharded_pubsub ? subscription::sharded : subscription::channel;
    auto& b = exchange_->bus();
    subscriptions_.push_back(b.subscribe(how, std::string(codec_->channel()), hear));
    subscriptions_.push_back(b.subscribe(how, codec_->own_response_channel(), hear));
    exchange_->send_by([weak = weak_from_this()](message_view const& m) {
        bool const ephemeral = m.kind == message_kind::server_event ||
                               m.kind == message_kind::fetch || !m.request_id.empty();
        auto const self = weak.lock();
        if (ephemeral || !self)
            return false;
        self->exchange_->bus().send(self->entry(m, self->codec_->encode_data(m)));
        return true;
    });
    reader_->add(exchange_->nsp(), weak_from_this());
}

MAD_DECL void stream_node::close() {
    if (closed_.exchange(true))
        return;
    reader_->remove(exchange_->nsp(), *this);
    for (auto const id : subscriptions_)
        exchange_->bus().unsubscribe(id);
    exchange_->close();
}

MAD_DECL redis::command stream_node::entry(message_view const& m, std::string const& data) const {
    return redis::command("XADD", stream_, "MAXLEN", "~", settings_.max_len, "*", "uid",
                          codec_->uid(), "nsp", codec_->nsp(), "type",
                          std::to_string(cluster_codec::type_of(m.kind)), "data", data);
}

MAD_DECL void stream_node::broadcast(socketio::encoded const& p, socketio::target const& t,
                                     socketio::broadcast_flags f) {
    if (!f.local && recovers() && !f.is_volatile) {
        written const event(p);
        message_view m;
        m.kind = message_kind::broadcast;
        m.to = &t;
        m.flags = f;
        m.json = event.json;
        m.attachments = event.attachments;
        outstanding o;
        o.packet = p;
        o.to = t;
        o.flags = f;
        return keep(std::move(o), m);
    }
    if (!f.local)
        exchange_->broadcast(p, t, f);
    exchange_->local().deliver(p, t, f);
}

MAD_DECL void stream_node::send(socketio::encoded const& p, std::string_view id,
                                std::function<void(socketio::encoded const&, std::uint64_t)> only) {
    if (!recovers())
        return only(p, 0);
    written const event(p);
    socketio::target const to{{std::string(id)}, {}};
    message_view m;
    m.kind = message_kind::broadcast;
    m.to = &to;
    m.json = event.json;
    m.attachments = event.attachments;
    outstanding o;
    o.packet = p;
    o.only = std::move(only);
    keep(std::move(o), m);
}

MAD_DECL void stream_node::keep(outstanding o, message_view const& m) {
    o.data = codec_->encode_data(m);
    o.since = settings_.clock->now();
    auto command = entry(m, o.data);
    constexpr std::size_t most = 10'000;
    bool const wait = exchange_->bus().is_up();
    bool now = !wait;
    std::uint64_t serial = 0;
    std::optional<outstanding> alone;
    {
        std::unique_lock lock(mutex_);
        serial = o.serial = ++serial_;
        o.delivered = now;
        if (outstanding_.size() >= most || now)
            alone = o;
        if (outstanding_.size() < most)
            outstanding_.push_back(std::move(o));
        arm(lock);
    }
    exchange_->bus().exec(std::move(command),
                          [weak = weak_from_this(), serial](result<redis::reply> r) {
                              if (auto const self = weak.lock())
                                  self->on_sent(serial, r && !r->is_error());
                          });
    if (alone)
        deliver(*alone, {});
}

MAD_DECL void stream_node::deliver(outstanding const& o, std::optional<entry_id> id) {
    exchange_->inside([&] {
        auto const with = id ? socketio::with_offset(o.packet, id->text()) : o.packet;
        auto const sequence = id ? id->sequence() : 0;
        if (o.only)
            return o.only(with, sequence);
        auto flags = o.flags;
        flags.sequence = sequence;
        exchange_->local().deliver(with, o.to, flags);
    });
}

/// An entry that was refused does not come back.
MAD_DECL void stream_node::on_sent(std::uint64_t serial, bool good) {
    if (good)
        return;
    std::optional<outstanding> failed;
    {
        std::lock_guard const lock(mutex_);
        auto const it = std::find_if(outstanding_.begin(), outstanding_.end(),
                                     [&](outstanding const& o) { return o.serial == serial; });
        if (it == outstanding_.end() || it->delivered)
            return; // if it was sent all the same, it is still known by its data
        it->delivered = true;
        failed = *it;
    }
    deliver(*failed, {});
}

MAD_DECL void stream_node::arm(std::unique_lock<std::mutex>& lock) {
    if (armed_ || outstanding_.empty())
        return;
    armed_ = true;
    lock.unlock();
    exchange_->bus().after(settings_.patience, [weak = weak_from_this()] {
        if (auto const self = weak.lock())
            self->on_time();
    });
    lock.lock();
}

MAD_DECL void stream_node::on_time() {
    std::vector<outstanding> late;
    {
        std::unique_lock lock(mutex_);
        armed_ = false;
        auto const now = settings_.clock->now();
        for (auto& o : outstanding_) {
            if (now - o.since < settings_.patience)
                break;
            if (!o.delivered) {
                o.delivered = true;
                late.push_back(o);
            }
        }
        // Long after the last moment at which Redis may have taken it.
        while (!outstanding_.empty() && outstanding_.front().delivered &&
               now - outstanding_.front().since > seconds(60))
            outstanding_.pop_front();
        arm(lock);
    }
    for (auto const& o : late)
        deliver(o, {});
}

MAD_DECL void stream_node::on_entry(stream_entry const& e) {
    exchange_->inside([&] {
        if (e.uid == codec_->uid()) {
            if (!recovers())
                return;
            std::optional<outstanding> mine;
            {
                std::lock_guard const lock(mutex_);
                auto const it =
                    std::find_if(outstanding_.begin(), outstanding_.end(),
                                 [&](outstanding const& o) { return o.data == e.data; });
                if (it == outstanding_.end())
                    return;
                if (!it->delivered)
                    mine = std::move(*it);
                outstanding_.erase(it);
            }
            if (mine)
                deliver(*mine, e.id);
            return;
        }
        auto read = codec_->decode_entry(e.uid, e.type, e.data);
        if (!read)
            return exchange_->drop(read.error(), stream_);
        if (!*read)
            return;
        auto& m = **read;
        if (m.kind != message_kind::broadcast || !m.request_id.empty() || m.flags.is_volatile ||
            !recovers())
            return exchange_->handle(std::move(m));
        auto const event = exchange_->event_of(m);
        if (!event)
            return exchange_->drop(event.error(), stream_);
        outstanding o;
        o.packet = *event;
        o.to = std::move(m.to);
        o.flags = m.flags;
        deliver(o, e.id);
    });
}

class streams_adapter final : public socketio::adapter {
  public:
    explicit streams_adapter(std::shared_ptr<stream_node> n)
        : node_(std::move(n)) {
        node_->open();
    }
    ~streams_adapter() override { node_->close(); }
    void retire() override { node_->close(); }

    void broadcast(socketio::encoded const& p, socketio::target const& t,
                   socketio::broadcast_flags f) override {
        node_->broadcast(p, t, f);
    }
    void broadcast_with_ack(socketio::encoded const& p, std::uint64_t id, socketio::target const& t,
                            socketio::broadcast_flags f, milliseconds timeout,
                            std::function<void(socketio::ack_responses)> done) override {
        node_->talk().ask(p, id, t, f, timeout, std::move(done));
    }
    void join(socketio::target const& t, std::vector<std::string> rooms) override {
        node_->talk().join(t, std::move(rooms));
    }
    void leave(socketio::target const& t, std::vector<std::string> rooms) override {
        node_->talk().leave(t, std::move(rooms));
    }
    void disconnect(socketio::target const& t, bool close) override {
        node_->talk().disconnect(t, close);
    }
    void fetch(socketio::target const& t, sync::exchange::infos_handler done) override {
        node_->talk().fetch(t, std::move(done));
    }
    void all_rooms(sync::exchange::names_handler done) override {
        node_->talk().all_rooms(std::move(done));
    }
    void server_side_emit(std::string_view event, socketio::arguments const& args) override {
        node_->talk().server_event(event, args);
    }
    void server_side_emit_with_ack(std::string_view event, socketio::arguments const& args,
                                   milliseconds timeout,
                                   std::function<void(socketio::ack_responses)> done) override {
        node_->talk().server_event(event, args, timeout, std::move(done));
    }

    bool recovers() const override { return node_->recovers(); }
    void send(socketio::encoded const& p, std::string_view id,
              std::function<void(socketio::encoded const&, std::uint64_t)> only) override {
        node_->send(p, id, std::move(only));
    }
    void save_session(socketio::saved_session s) override { node_->save(s); }
    void
    restore_session(std::string pid, std::string offset,
                    std::function<void(std::optional<socketio::restored_session>)> done) override {
        node_->restore(std::move(pid), std::move(offset), std::move(done));
    }

  private:
    std::shared_ptr<stream_node> node_;
};

} // namespace detail

MAD_DECL streams::streams(std::shared_ptr<bus> redis, streams_adapter_settings s)
    : reader_(std::make_shared<detail::stream_reader>(std::move(redis), std::move(s))) {
    reader_->start();
}

MAD_DECL std::unique_ptr<socketio::adapter> streams::make(std::string_view nsp,
                                                          socketio::local_sockets& local) {
    return std::make_unique<detail::streams_adapter>(std::make_shared<detail::stream_node>(
        std::string(nsp), local, reader_->redis(), reader_, reader_->settings()));
}

MAD_DECL socketio::adapter_factory make_streams_adapters(std::shared_ptr<bus> redis,
                                                         streams_adapter_settings s) {
    auto const all = std::make_shared<streams>(std::move(redis), std::move(s));
    return [all](std::string_view nsp, socketio::local_sockets& local) {
        return all->make(nsp, local);
    };
}

} // namespace mad::inline MAD_ABI::sync

#endif
