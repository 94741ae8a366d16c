#ifndef MAD_SYNC_IMPL_STREAM_SESSIONS_IPP
#define MAD_SYNC_IMPL_STREAM_SESSIONS_IPP

#include <mad/core/base64.hpp>
#include <mad/sync/detail/fields.hpp>
#include <mad/sync/detail/stream_node.hpp>

#include <algorithm>
#include <utility>

// Connection state recovery across nodes.

namespace mad::inline MAD_ABI::sync::detail {

inline bool in_rooms(std::vector<std::string> const& names, socketio::saved_session const& s) {
    return std::any_of(names.begin(), names.end(), [&](std::string const& n) {
        return n == s.id || std::find(s.rooms.begin(), s.rooms.end(), n) != s.rooms.end();
    });
}

/// A session as nodes keep it in Redis; empty: it cannot be written.
inline std::string write_session(socketio::saved_session const& s) {
    std::string text = "{", packed, out;
    append_member(text, "sid", s.id);
    text += ',';
    append_member(text, "pid", s.pid);
    text += ",\"rooms\":";
    std::vector<std::string> rooms{s.id};
    rooms.insert(rooms.end(), s.rooms.begin(), s.rooms.end());
    append_names(text, rooms);
    text += ",\"data\":";
    text += s.data.empty() ? "{}" : s.data;
    text += '}';
    if (append_msgpack_json(packed, text))
        append_base64(out, packed);
    return out;
}

MAD_DECL void stream_node::save(socketio::saved_session const& s) {
    auto const text = write_session(s);
    if (text.empty())
        return;
    exchange_->bus().send(redis::command("SET", settings_.session_prefix + s.pid, text, "PX",
                                         settings_.recovery->count())
                              .idempotent());
}

struct stream_node::restoring {
    std::function<void(std::optional<socketio::restored_session>)> done;
    socketio::restored_session out;
    entry_id at;
    std::string offset;
    int calls = 0;
    std::size_t bytes = 0;
};

inline bool read_session(std::string_view stored, message_limits const& limits,
                         socketio::saved_session& s) {
    std::string packed, text;
    std::vector<std::string> bytes;
    if (stored.empty() || stored.size() > limits.max_bytes || !base64_decode(stored, packed))
        return false;
    packed_reader in(packed, limits);
    if (!in.json_value(text, bytes) || !bytes.empty())
        return false;
    bool good = true;
    auto const n =
        scan_object(text, limits.packet.json, [&](std::string_view key, json_span value) {
            if (key == "sid")
                good = good && read_text(value, s.id);
            else if (key == "pid")
                good = good && read_text(value, s.pid);
            else if (key == "rooms")
                good = good && read_names(value, s.rooms, limits.max_names);
            else if (key == "data")
                s.data = value.text;
        });
    std::erase(s.rooms, s.id);
    return good && n && !s.id.empty() && !s.pid.empty();
}

MAD_DECL void
stream_node::restore(std::string pid, std::string offset,
                     std::function<void(std::optional<socketio::restored_session>)> done) {
    auto const from = entry_id::parse(offset);
    if (!recovers() || !from || pid.size() > 64 || offset.size() > 64)
        return done(std::nullopt);
    auto const r = std::make_shared<restoring>();
    r->done = std::move(done);
    r->at = *from;
    r->offset = std::move(offset);
    auto const key = settings_.session_prefix + pid;
    redis::pipeline take;
    take.add("GET", key).add("DEL", key);
    exchange_->bus().transaction(std::move(take), [self = shared_from_this(), r,
                                                   pid](result<std::vector<redis::reply>> got) {
        bool const found = got && got->size() == 2 &&
                           read_session((*got)[0].text(), self->settings_.limits, r->out.session) &&
                           r->out.session.pid == pid;
        if (!found)
            return r->done(std::nullopt);
        redis::command last("XRANGE", self->stream_, r->offset, r->offset);
        last.idempotent();
        self->exchange_->bus().exec(std::move(last), [self, r](result<redis::reply> here) {
            if (!here || here->size() == 0)
                return r->done(std::nullopt); // the log reaches back no further
            self->read_on(r);
        });
    });
}

MAD_DECL void stream_node::read_on(std::shared_ptr<restoring> r) {
    constexpr std::size_t at_once = 1000;
    redis::command more("XRANGE", stream_, r->at.next(), "+", "COUNT", at_once);
    more.idempotent();
    exchange_->bus().exec(
        std::move(more), [self = shared_from_this(), r](result<redis::reply> got) {
            if (!got || !got->is_array() || ++r->calls > 100)
                return r->done(std::nullopt);
            auto& out = r->out;
            for (auto const& each : got->items()) {
                auto const e = read_entry(each);
                if (!e)
                    continue;
                r->at = std::max(r->at, e->id);
                if (e->nsp != self->codec_->nsp() || e->type != "3")
                    continue;
                // Own events too: `decode_entry` leaves nobody out.
                auto const m = self->codec_->decode_entry(e->uid, e->type, e->data);
                if (!m || !*m || (*m)->flags.is_volatile || !(*m)->request_id.empty())
                    continue;
                auto const& to = (*m)->to;
                if ((!to.rooms.empty() && !in_rooms(to.rooms, out.session)) ||
                    in_rooms(to.except, out.session))
                    continue;
                auto const event = self->exchange_->event_of(**m);
                if (!event)
                    continue;
                out.missed.push_back(socketio::with_offset(*event, e->id.text()));
                out.numbers.push_back(e->id.sequence());
                r->bytes += out.missed.back().size();
            }
            if (r->bytes > self->settings_.max_answer_bytes)
                return r->done(std::nullopt);
            // What has been handed to the sockets meanwhile was not for this one, which is not
            // there yet: it is read here. From then on the reader's come behind this answer.
            if (got->size() >= at_once || self->reader_->position(self->lane_) > r->at)
                return self->read_on(r);
            out.sequence = r->at.sequence();
            r->done(std::move(out));
        });
}

} // namespace mad::inline MAD_ABI::sync::detail

#endif
