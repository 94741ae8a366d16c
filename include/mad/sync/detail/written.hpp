#ifndef MAD_SYNC_DETAIL_WRITTEN_HPP
#define MAD_SYNC_DETAIL_WRITTEN_HPP

#include <mad/core/ids.hpp>
#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_text.hpp>
#include <mad/socketio/detail/split_message.hpp>
#include <mad/socketio/encoded.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::sync::detail {

/// How Node writes a Buffer as JSON: `{"type":"Buffer","data":[1,2]}`.
inline void append_node_buffer(void*, std::string& out, std::string_view bytes) {
    out += "{\"type\":\"Buffer\",\"data\":[";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0)
            out += ',';
        append_json_number(out, static_cast<unsigned>(static_cast<unsigned char>(bytes[i])));
    }
    out += "]}";
}

/// JSON text and the bytes of its placeholders, as views.
struct written {
    /// Of an encoded event: nothing is copied.
    explicit written(socketio::encoded const& p) {
        if (auto const v = socketio::detail::split_message(p.text().payload()))
            json = v->payload;
        for (auto const& a : p.attachments())
            attachments.push_back(a.payload());
    }

    written(std::string_view event, socketio::arguments const& args, bool bytes) {
        own_ += '[';
        append_json_string(own_, event);
        for (auto const& v : args.values) {
            own_ += ',';
            append(v, bytes);
        }
        own_ += ']';
        done();
    }

    written(mad::json const& value, bool bytes) {
        append(value, bytes);
        done();
    }

    written(written const&) = delete;
    written& operator=(written const&) = delete;

    std::string_view json;
    std::vector<std::string_view> attachments;

  private:
    void append(mad::json const& value, bool bytes) {
        if (bytes)
            socketio::encode_args(value, own_, own_attachments_);
        else
            mad::detail::append_json(own_, value, {nullptr, &append_node_buffer});
    }
    void done() {
        json = own_;
        attachments.assign(own_attachments_.begin(), own_attachments_.end());
    }

    std::string own_;
    socketio::attachment_list own_attachments_;
};

/// So many characters of letters, digits, `-` and `_`.
inline std::string short_id() {
    return random_id(5).substr(0, 6);
}

/// 16 hex digits.
inline std::string hex_id() {
    std::array<std::uint8_t, 8> bytes{};
    fill_random(bytes);
    std::string out;
    for (auto const b : bytes) {
        out += "0123456789abcdef"[b >> 4];
        out += "0123456789abcdef"[b & 15];
    }
    return out;
}

inline std::string new_request_id(bool long_one) {
    return long_one ? hex_id() : short_id();
}

/// Calls `send` with the first argument of the first reply. `always`: with null when nobody has
/// replied and nobody can any more, as 5.x awaits an answer from all.
inline std::function<void(socketio::arguments)> make_reply(std::function<void(json const&)> send,
                                                           bool always) {
    struct once {
        once(std::function<void(json const&)> s, bool a)
            : send(std::move(s))
            , always(a) {}
        ~once() {
            if (always && !said.exchange(true))
                send(json());
        }
        std::function<void(json const&)> send;
        bool always;
        std::atomic<bool> said{false};
    };
    return [one = std::make_shared<once>(std::move(send), always)](socketio::arguments args) {
        if (!one->said.exchange(true))
            one->send(args.empty() ? json() : args[0]);
    };
}

} // namespace mad::inline MAD_ABI::sync::detail

#endif
