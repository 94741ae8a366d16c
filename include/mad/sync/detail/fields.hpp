#ifndef MAD_SYNC_DETAIL_FIELDS_HPP
#define MAD_SYNC_DETAIL_FIELDS_HPP

#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/utf8.hpp>
#include <mad/socketio/detail/msgpack_reader.hpp>
#include <mad/sync/error.hpp>
#include <mad/sync/message.hpp>
#include <mad/sync/msgpack.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

// The pieces that all dialects share, read and written.

namespace mad::inline MAD_ABI::sync::detail {

// JSON that was scanned before.

inline bool read_text(json_span from, std::string& to) {
    if (from.kind != json_kind::string)
        return false;
    to.clear();
    json_unescape(from.text, to);
    return true;
}

/// A text, or a number as text: JavaScript rooms may be numbers.
inline bool read_name(json_span from, std::string& to) {
    if (from.kind == json_kind::number) {
        to = from.text;
        return true;
    }
    return read_text(from, to);
}

inline bool read_unsigned(json_span from, std::uint64_t& to) {
    if (from.kind != json_kind::number)
        return false;
    auto const* const end = from.text.data() + from.text.size();
    auto const r = std::from_chars(from.text.data(), end, to);
    return r.ec == std::errc() && r.ptr == end;
}

inline bool read_names(json_span from, std::vector<std::string>& to, std::size_t most) {
    if (from.kind == json_kind::null || from.text.empty())
        return true; // all keys are optional
    bool good = from.kind == json_kind::array;
    if (!good)
        return false;
    auto const n = for_each_element(from.text, json_limits::trusted(), [&](json_span each) {
        good = good && to.size() < most && read_name(each, to.emplace_back());
    });
    return good && n;
}

inline void set_flag(message& m, std::string_view name, bool is_true, bool is_false) {
    if (name == "volatile")
        m.flags.is_volatile = is_true;
    else if (name == "compress")
        m.flags.compress = !is_false;
}

/// `{"rooms":[..],"except":[..],"flags":{..}}`
inline bool read_opts(json_span from, message& m, message_limits const& limits) {
    if (from.text.empty())
        return true;
    bool good = from.kind == json_kind::object;
    if (!good)
        return false;
    auto const n =
        scan_object(from.text, json_limits::trusted(), [&](std::string_view key, json_span value) {
            if (key == "rooms") {
                good = good && read_names(value, m.to.rooms, limits.max_names);
            } else if (key == "except") {
                good = good && read_names(value, m.to.except, limits.max_names);
            } else if (key == "flags" && value.kind == json_kind::object) {
                (void)scan_object(
                    value.text, json_limits::trusted(), [&](std::string_view flag, json_span on) {
                        set_flag(m, flag, on.text == "true", on.text == "false");
                        std::uint64_t ms = 0;
                        if (flag == "timeout" && read_unsigned(on, ms))
                            m.timeout = milliseconds(std::min<std::uint64_t>(ms, 3'600'000));
                    });
            }
        });
    return good && n;
}

/// `[{"id":..,"handshake":{..},"rooms":[..],"data":..}]`
inline bool read_infos(json_span from, std::vector<socketio::socket_info>& to,
                       message_limits const& limits) {
    bool good = true;
    auto const n = for_each_element(from.text, json_limits::trusted(), [&](json_span each) {
        socketio::socket_info info;
        good = good && each.kind == json_kind::object;
        if (!good)
            return;
        (void)scan_object(each.text, json_limits::trusted(),
                          [&](std::string_view key, json_span value) {
                              if (key == "id")
                                  good = good && read_text(value, info.id);
                              else if (key == "rooms")
                                  good = good && read_names(value, info.rooms, limits.max_names);
                              else if (key == "handshake")
                                  info.handshake = value.text;
                              else if (key == "data")
                                  info.data = value.text;
                          });
        good = good && !info.id.empty();
        if (info.data.empty())
            info.data = "{}";
        if (info.handshake.empty())
            info.handshake = "{}";
        to.push_back(std::move(info));
    });
    return good && n;
}

inline void append_names(std::string& out, std::span<std::string const> names) {
    char open = '[';
    for (auto const& n : names) {
        out += open;
        append_json_string(out, n);
        open = ',';
    }
    out += names.empty() ? "[]" : "]";
}

inline void append_infos(std::string& out, std::span<socketio::socket_info const> infos) {
    char open = '[';
    for (auto const& i : infos) {
        out += open;
        open = ',';
        out += "{\"id\":";
        append_json_string(out, i.id);
        out += ",\"handshake\":";
        out += i.handshake.empty() ? "{}" : i.handshake;
        out += ",\"rooms\":";
        append_names(out, i.rooms);
        out += ",\"data\":";
        out += i.data.empty() ? "{}" : i.data;
        out += '}';
    }
    out += infos.empty() ? "[]" : "]";
}

inline void append_flags(std::string& out, message_view const& m) {
    char open = '{';
    auto const add = [&](std::string_view text) {
        out += open;
        out += text;
        open = ',';
    };
    if (m.flags.is_volatile)
        add("\"volatile\":true");
    if (!m.flags.compress)
        add("\"compress\":false");
    if (m.timeout) {
        add("\"timeout\":");
        append_json_number(out, m.timeout->count());
    }
    out += open == '{' ? "{}" : "}";
}

inline void append_member(std::string& out, std::string_view key, std::string_view text) {
    out += '"';
    out += key;
    out += "\":";
    append_json_string(out, text);
}

// msgpack.

inline void append_packed_names(std::string& out, std::span<std::string const> names) {
    append_msgpack_array(out, names.size());
    for (auto const& n : names)
        append_msgpack_text(out, n);
}

inline void append_packed_flags(std::string& out, message_view const& m, bool to_all_but = false) {
    append_msgpack_map(out, std::size_t(m.flags.is_volatile) + !m.flags.compress +
                                m.timeout.has_value() + to_all_but);
    if (to_all_but) {
        append_msgpack_text(out, "broadcast");
        append_msgpack_bool(out, true);
    }
    if (m.flags.is_volatile) {
        append_msgpack_text(out, "volatile");
        append_msgpack_bool(out, true);
    }
    if (!m.flags.compress) {
        append_msgpack_text(out, "compress");
        append_msgpack_bool(out, false);
    }
    if (m.timeout) {
        append_msgpack_text(out, "timeout");
        append_msgpack_signed(out, m.timeout->count());
    }
}

/// Reads msgpack of other nodes into the pieces of a message.
class packed_reader : public socketio::detail::msgpack_reader {
  public:
    packed_reader(std::string_view data, message_limits const& limits)
        : msgpack_reader(data, limits.packet)
        , limits_(limits) {}

    bool names(std::vector<std::string>& to) {
        if (nothing())
            return true;
        std::size_t n = 0;
        if (!take_array(n) || n > limits_.max_names)
            return false;
        to.reserve(n);
        for (; n > 0; --n)
            if (!name(to.emplace_back()))
                return false;
        return true;
    }

    /// A text, or a number as text. What is not UTF-8 becomes U+FFFD, as it would in JSON: a name
    /// is the same in every dialect.
    bool name(std::string& to) {
        std::string_view s;
        std::uint64_t number = 0;
        if (take_text(s)) {
            if (is_utf8(s)) {
                to = s;
            } else {
                std::string json;
                append_json_string(json, s);
                to.clear();
                json_unescape(json, to);
            }
        } else if (take_unsigned(number)) {
            to = std::to_string(number);
        } else {
            return false;
        }
        return true;
    }

    /// Calls `fn(key)` for each member, which reads its value or gives false.
    template <class Fn>
    bool members(Fn&& fn) {
        std::size_t n = 0;
        if (!take_map(n) || n > 64)
            return false;
        for (; n > 0; --n) {
            std::string_view key;
            if (!take_text(key) || !fn(key))
                return false;
        }
        return true;
    }

    bool other() { return !skip(); }

    bool opts(message& m) {
        return members([&](std::string_view key) {
            if (key == "rooms")
                return names(m.to.rooms);
            if (key == "except")
                return names(m.to.except);
            if (key == "flags")
                return flags(m);
            return other();
        });
    }

    /// The next value as JSON text; its bytes become attachments.
    bool json_value(std::string& json, std::vector<std::string>& attachments) {
        if (!value(0))
            return false;
        json = take_json();
        attachments = take_bytes();
        return true;
    }

    /// nil or undefined
    bool nothing() {
        if (rest_.starts_with('\xc0')) {
            rest_.remove_prefix(1);
            return true;
        }
        return take_undefined();
    }

  private:
    bool flags(message& m) {
        if (nothing())
            return true;
        return members([&](std::string_view key) {
            std::uint64_t ms = 0;
            if (key == "timeout" && take_unsigned(ms)) {
                m.timeout = milliseconds(std::min<std::uint64_t>(ms, 3'600'000));
                return true;
            }
            set_flag(m, key, rest_.starts_with('\xc3'), rest_.starts_with('\xc2'));
            return other();
        });
    }

    message_limits const& limits_;
};

} // namespace mad::inline MAD_ABI::sync::detail

#endif
