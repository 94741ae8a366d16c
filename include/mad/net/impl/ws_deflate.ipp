#ifndef MAD_NET_IMPL_WS_DEFLATE_IPP
#define MAD_NET_IMPL_WS_DEFLATE_IPP

#include <mad/net/ws_deflate.hpp>
#include <mad/net/ws_error.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::net {

namespace detail {

/// Reads the grammar of an extension list.
class ws_extension_reader {
  public:
    explicit ws_extension_reader(std::string_view text)
        : text_(text) {}

    bool read(std::vector<ws_extension>& out) {
        for (;;) {
            skip_blanks();
            if (text_.empty())
                return true;
            if (take(',')) // an empty element
                continue;
            if (!read_extension(out.emplace_back()))
                return false;
            if (!text_.empty() && !take(','))
                return false;
        }
    }

  private:
    bool read_extension(ws_extension& e) {
        if (!take_token(e.name))
            return false;
        while (take(';')) {
            auto& p = e.parameters.emplace_back();
            if (!take_token(p.name))
                return false;
            if (take('=') && !take_value(p.value.emplace()))
                return false;
        }
        return true;
    }

    bool take_value(std::string& value) {
        if (!take('"')) {
            std::string_view token;
            if (!take_token(token))
                return false;
            value = token;
            return true;
        }
        for (;;) {
            if (text_.empty())
                return false;
            char c = next();
            if (c == '"')
                break;
            if (c == '\\') {
                if (text_.empty())
                    return false;
                c = next();
            }
            if (!is_token(c)) // quoted or not, it is to be a token
                return false;
            value += c;
        }
        skip_blanks();
        return !value.empty();
    }

    bool take_token(std::string_view& out) {
        skip_blanks();
        auto const end = std::find_if_not(text_.begin(), text_.end(), is_token);
        out = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
        text_.remove_prefix(out.size());
        skip_blanks();
        return !out.empty();
    }

    bool take(char c) {
        if (text_.empty() || text_.front() != c)
            return false;
        text_.remove_prefix(1);
        if (c != '"')
            skip_blanks();
        return true;
    }

    char next() {
        char const c = text_.front();
        text_.remove_prefix(1);
        return c;
    }

    void skip_blanks() {
        while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t'))
            text_.remove_prefix(1);
    }

    static bool is_token(char c) {
        return c > 0x20 && c < 0x7f &&
               std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
    }

    std::string_view text_;
};

/// The parameters of one `permessage-deflate`, whichever side wrote them.
struct ws_deflate_parameters {
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    bool client_may_narrow = false; // client_max_window_bits stands there, with or without a value
    std::optional<std::uint8_t> server_bits, client_bits;
};

inline bool read_window_bits(std::string_view text, std::optional<std::uint8_t>& out) {
    if (text == "8" || text == "9")
        out = static_cast<std::uint8_t>(text[0] - '0');
    else if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5')
        out = static_cast<std::uint8_t>(10 + text[1] - '0');
    else
        return false;
    return true;
}

/// Nothing for what the RFC says is to be declined.
inline std::optional<ws_deflate_parameters> read_ws_deflate(ws_extension const& e) {
    if (e.name != "permessage-deflate")
        return std::nullopt;
    ws_deflate_parameters out;
    auto const set = [](bool& flag) { return !std::exchange(flag, true); };
    for (auto const& p : e.parameters) {
        bool good = false;
        if (p.name == "server_no_context_takeover")
            good = !p.value && set(out.server_no_context_takeover);
        else if (p.name == "client_no_context_takeover")
            good = !p.value && set(out.client_no_context_takeover);
        else if (p.name == "server_max_window_bits")
            good = p.value && !out.server_bits && read_window_bits(*p.value, out.server_bits);
        else if (p.name == "client_max_window_bits")
            good = set(out.client_may_narrow) &&
                   (!p.value || read_window_bits(*p.value, out.client_bits));
        if (!good)
            return std::nullopt;
    }
    return out;
}

inline void append_ws_deflate(std::string& out, ws_deflate_terms const& t) {
    out += "permessage-deflate";
    if (t.server_no_context_takeover)
        out += "; server_no_context_takeover";
    if (t.client_no_context_takeover)
        out += "; client_no_context_takeover";
    if (t.server_max_window_bits < 15)
        out.append("; server_max_window_bits=").append(std::to_string(t.server_max_window_bits));
}

} // namespace detail

MAD_DECL result<std::vector<ws_extension>> parse_ws_extensions(std::string_view text) {
    std::vector<ws_extension> out;
    if (!detail::ws_extension_reader(text).read(out))
        return error_code(ws_error::bad_extensions);
    return out;
}

MAD_DECL result<std::optional<ws_deflate_terms>> accept_ws_deflate(std::string_view offers,
                                                                   ws_deflate_terms const& wanted) {
    auto const all = parse_ws_extensions(offers);
    if (!all)
        return all.error();
    for (auto const& e : *all) {
        auto const p = detail::read_ws_deflate(e);
        if (!p || p->server_bits == 8)
            continue;
        ws_deflate_terms t;
        t.server_no_context_takeover =
            wanted.server_no_context_takeover || p->server_no_context_takeover;
        t.client_no_context_takeover =
            wanted.client_no_context_takeover || p->client_no_context_takeover;
        t.server_max_window_bits =
            std::min(wanted.server_max_window_bits, p->server_bits.value_or(15));
        // A client that does not mention its window would not understand an answer that does.
        if (p->client_may_narrow)
            t.client_max_window_bits =
                std::min(wanted.client_max_window_bits, p->client_bits.value_or(15));
        return std::optional(t);
    }
    return std::optional<ws_deflate_terms>();
}

MAD_DECL std::string ws_deflate_answer(ws_deflate_terms const& t) {
    std::string out;
    detail::append_ws_deflate(out, t);
    if (t.client_max_window_bits < 15)
        out.append("; client_max_window_bits=").append(std::to_string(t.client_max_window_bits));
    return out;
}

MAD_DECL std::string ws_deflate_offer(ws_deflate_terms const& wanted) {
    std::string out;
    detail::append_ws_deflate(out, wanted);
    out += "; client_max_window_bits";
    if (wanted.client_max_window_bits < 15)
        out.append("=").append(std::to_string(wanted.client_max_window_bits));
    return out;
}

MAD_DECL result<std::optional<ws_deflate_terms>> judge_ws_deflate(std::string_view answer,
                                                                  ws_deflate_terms const& wanted) {
    auto const all = parse_ws_extensions(answer);
    if (!all)
        return all.error();
    if (all->empty())
        return std::optional<ws_deflate_terms>();
    auto const p = all->size() == 1 ? detail::read_ws_deflate(all->front()) : std::nullopt;
    // A window wider than the one asked for is no answer to what was asked.
    if (!p || (p->client_may_narrow && !p->client_bits) ||
        p->server_bits.value_or(0) > wanted.server_max_window_bits ||
        (!p->server_bits && wanted.server_max_window_bits < 15))
        return error_code(ws_error::bad_extensions);
    ws_deflate_terms t;
    t.server_no_context_takeover = p->server_no_context_takeover;
    t.client_no_context_takeover =
        wanted.client_no_context_takeover || p->client_no_context_takeover;
    t.server_max_window_bits = p->server_bits.value_or(15);
    t.client_max_window_bits = std::min(wanted.client_max_window_bits, p->client_bits.value_or(15));
    return std::optional(t);
}

} // namespace mad::inline MAD_ABI::net

#endif
