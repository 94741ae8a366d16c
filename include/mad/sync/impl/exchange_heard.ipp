#ifndef MAD_SYNC_IMPL_EXCHANGE_HEARD_IPP
#define MAD_SYNC_IMPL_EXCHANGE_HEARD_IPP

#include <mad/sync/impl/exchange.ipp>

// What other nodes ask, and answer.

namespace mad::inline MAD_ABI::sync {

MAD_DECL void exchange::drop(error_code why, std::string_view channel) {
    auto const n = dropped_.fetch_add(1, std::memory_order_relaxed) + 1;
    {
        std::lock_guard const lock(mutex_);
        auto const now = settings_.clock->now();
        if (logged_ && now - *logged_ < seconds(10))
            return;
        logged_ = now;
    }
    settings_.log.warn("sync.message.dropped", {{"nsp", nsp_},
                                                {"channel", channel.substr(0, 128)},
                                                {"reason", why.message()},
                                                {"dropped", n}});
}

MAD_DECL void exchange::receive(std::string_view channel, std::string_view body) {
    inside([&] {
        auto m = codec_->decode(channel, body);
        if (!m)
            return drop(m.error(), channel);
        if (*m)
            handle(std::move(**m));
    });
}

MAD_DECL result<socketio::encoded> exchange::event_of(message const& m,
                                                      std::optional<std::uint64_t> id) const {
    thread_local std::string text;
    text.assign(1, '4');
    auto const n = static_cast<std::uint32_t>(m.attachments.size());
    socketio::append_header(
        text, n > 0 ? socketio::packet_type::binary_event : socketio::packet_type::event, n, nsp_,
        id);
    text += m.json;
    auto const judged =
        socketio::parse_packet(std::string_view(text).substr(1), settings_.limits.packet);
    if (!judged)
        return judged.error();
    return socketio::encoded(text, m.attachments);
}

MAD_DECL void exchange::handle(message m) {
    inside([&] {
        if (is_answer(m.kind))
            return on_answer(m);
        if (!m.request_id.empty()) {
            std::lock_guard const lock(mutex_);
            if (requests_.contains(m.request_id))
                return; // our own, come back
        }
        auto const self = shared_from_this();
        auto const asked = std::make_shared<message>(std::move(m));
        switch (asked->kind) {
        case message_kind::broadcast:
            return on_broadcast(*asked);
        case message_kind::fetch:
            return local_.fetch_local(asked->to,
                                      [self, asked](std::vector<socketio::socket_info> here) {
                                          message_view a;
                                          a.kind = message_kind::sockets;
                                          a.infos = here;
                                          self->answer(*asked, a);
                                      });
        case message_kind::ids:
            return local_.ids_local(asked->to, [self, asked](std::vector<std::string> here) {
                message_view a;
                a.kind = message_kind::id_list;
                a.rooms = here;
                self->answer(*asked, a);
            });
        case message_kind::room_list:
            return local_.rooms_local([self, asked](std::vector<std::string> here) {
                message_view a;
                a.kind = message_kind::rooms;
                a.rooms = here;
                self->answer(*asked, a);
            });
        case message_kind::rooms_of:
            return local_.fetch_local(asked->to,
                                      [self, asked](std::vector<socketio::socket_info> here) {
                                          message_view a;
                                          a.kind = message_kind::rooms;
                                          for (auto const& i : here)
                                              if (i.id == asked->to.rooms.front()) {
                                                  a.rooms = i.rooms;
                                                  return self->answer(*asked, a);
                                              }
                                      });
        case message_kind::server_event:
            return on_server_event(*asked);
        default:
            return on_change(*asked);
        }
    });
}

MAD_DECL void exchange::on_broadcast(message& m) {
    if (m.request_id.empty()) {
        auto const event = event_of(m);
        if (!event)
            return drop(event.error(), codec_->count_channel());
        return local_.deliver(*event, m.to, m.flags);
    }
    if (auto const judged = event_of(m); !judged)
        return drop(judged.error(), codec_->count_channel());
    auto const self = shared_from_this();
    auto const asked = std::make_shared<message const>(m);
    local_.ask_local([&](std::uint64_t id) { return event_of(m, id).value(); }, m.to, m.flags,
                     m.timeout.value_or(settings_.requests_timeout),
                     [self, asked](std::size_t n) {
                         message_view a;
                         a.kind = message_kind::client_count;
                         a.count = n;
                         self->answer(*asked, a);
                     },
                     [self, asked](json value) {
                         detail::written const text(value, true);
                         message_view a;
                         a.kind = message_kind::client_ack;
                         a.json = text.json;
                         a.attachments = text.attachments;
                         self->answer(*asked, a);
                     });
}

MAD_DECL void exchange::on_change(message& m) {
    auto const act = [](socketio::local_sockets& local, message const& what) {
        switch (what.kind) {
        case message_kind::join:
            return local.join_local(what.to, what.rooms);
        case message_kind::leave:
            return local.leave_local(what.to, what.rooms);
        default:
            return local.disconnect_local(what.to, what.close);
        }
    };
    if (!m.one_socket)
        return act(local_, m);
    local_.ids_local(m.to, [self = shared_from_this(), m, act](std::vector<std::string> here) {
        if (std::find(here.begin(), here.end(), m.to.rooms.front()) == here.end())
            return; // whoever has it answers
        self->inside([&] { act(self->local_, m); });
        message_view a;
        a.kind = message_kind::done;
        if (!m.request_id.empty())
            self->answer(m, a);
    });
}

MAD_DECL void exchange::on_server_event(message& m) {
    auto all = socketio::decode_args(m.json, m.attachments);
    if (!all)
        return drop(all.error(), codec_->count_channel());
    std::string event = "customRequest"; // of 5.x, which has any data there
    socketio::arguments args;
    if (all->is_array() && !all->empty() && all->front().is_string()) {
        event = all->front().get<std::string>();
        args.values.assign(std::make_move_iterator(all->begin() + 1),
                           std::make_move_iterator(all->end()));
    } else if (m.old_dialect) {
        args.values.push_back(std::move(*all));
    } else {
        return drop(error::bad_message, codec_->count_channel());
    }
    std::function<void(socketio::arguments)> reply;
    if (!m.request_id.empty())
        reply = detail::make_reply(
            [self = shared_from_this(), asked = m](json const& value) {
                detail::written const text(value, self->codec_->bytes_in_events());
                message_view a;
                a.kind = message_kind::server_answer;
                a.json = text.json;
                a.attachments = text.attachments;
                self->answer(asked, a);
            },
            m.old_dialect);
    local_.server_side_event(std::move(event), std::move(args), std::move(reply));
}

MAD_DECL void exchange::on_answer(message& m) {
    auto const bytes = [&] {
        std::size_t n = m.json.size();
        for (auto const& a : m.attachments)
            n += a.size();
        for (auto const& r : m.rooms)
            n += r.size();
        for (auto const& i : m.infos)
            n += i.data.size() + i.handshake.size() + sizeof i;
        return n;
    }();
    json value;
    if (m.kind == message_kind::server_answer || m.kind == message_kind::client_ack) {
        auto read = socketio::decode_args(m.json, m.attachments);
        if (!read)
            return drop(read.error(), codec_->count_channel());
        value = std::move(*read);
    }
    change(m.request_id, [&](request& r) {
        r.bytes += bytes;
        auto const enough = [&] { return r.expected && r.nodes >= *r.expected; };
        switch (r.kind) {
        case message_kind::broadcast:
            if (m.kind == message_kind::client_count) {
                ++r.nodes;
                r.clients += m.count;
            } else if (m.kind == message_kind::client_ack) {
                ++r.answers;
                r.values.push_back(std::move(value));
            }
            break;
        case message_kind::server_event:
            if (m.kind != message_kind::server_answer && m.kind != message_kind::done)
                break;
            if (!enough()) {
                ++r.nodes;
                r.values.push_back(std::move(value));
            }
            break;
        case message_kind::room_list:
            if (m.kind != message_kind::rooms || enough())
                break;
            ++r.nodes;
            std::move(m.rooms.begin(), m.rooms.end(), std::back_inserter(r.names));
            break;
        default:
            if ((m.kind != message_kind::sockets && m.kind != message_kind::id_list) || enough())
                break;
            ++r.nodes;
            std::move(m.infos.begin(), m.infos.end(), std::back_inserter(r.infos));
            for (auto& id : m.rooms) { // of 5.x, which says no more
                socketio::socket_info i;
                i.rooms = {id};
                i.id = std::move(id);
                i.data = i.handshake = "{}";
                r.infos.push_back(std::move(i));
            }
        }
    });
}

} // namespace mad::inline MAD_ABI::sync

#endif
