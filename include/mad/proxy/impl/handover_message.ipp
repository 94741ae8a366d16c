#ifndef MAD_PROXY_IMPL_HANDOVER_MESSAGE_IPP
#define MAD_PROXY_IMPL_HANDOVER_MESSAGE_IPP

#include <mad/proxy/handover_message.hpp>

#include <algorithm>
#include <concepts>
#include <utility>

namespace mad::inline MAD_ABI::proxy::handover {

namespace detail {

/// Longest text but for what a client has sent.
inline constexpr std::size_t most_text = 1'024;

class writer {
  public:
    template <std::unsigned_integral Int>
    void number(Int n) {
        for (std::size_t i = sizeof n; i-- > 0;)
            out_ += static_cast<char>(n >> (8 * i) & 0xffu);
    }
    void flag(bool b) { number<std::uint8_t>(b ? 1 : 0); }
    void text(std::string_view s, std::size_t most = most_text) {
        s = s.substr(0, most);
        number(static_cast<std::uint32_t>(s.size()));
        out_.append(s);
    }
    void address(boost::asio::ip::address const& a) {
        text(a.is_unspecified() ? std::string() : a.to_string());
    }
    std::string& out() { return out_; }

  private:
    std::string out_;
};

/// Reads what a writer wrote; after anything odd it is not `good` and gives zeros.
class reader {
  public:
    explicit reader(std::string_view in)
        : in_(in) {}

    template <std::unsigned_integral Int>
    Int number() {
        if (in_.size() < sizeof(Int))
            return fail(), Int{0};
        std::uint64_t n = 0;
        for (std::size_t i = 0; i < sizeof(Int); ++i)
            n = n << 8 | static_cast<unsigned char>(in_[i]);
        in_.remove_prefix(sizeof(Int));
        return static_cast<Int>(n);
    }
    /// At most that.
    template <std::unsigned_integral Int>
    Int number(Int most) {
        auto const n = number<Int>();
        return n <= most ? n : (fail(), Int{0});
    }
    bool flag() { return number<std::uint8_t>(1) == 1; }
    std::string text(std::size_t most = most_text) {
        auto const size = number<std::uint32_t>();
        if (size > most || size > in_.size())
            return fail(), std::string();
        auto out = std::string(in_.substr(0, size));
        in_.remove_prefix(size);
        return out;
    }
    boost::asio::ip::address address() {
        auto const said = text();
        if (said.empty())
            return {};
        error_code e;
        auto a = boost::asio::ip::make_address(said, e);
        if (e)
            fail();
        return a;
    }
    bool at_end() const { return in_.empty(); }
    bool good() const { return good_; }
    void fail() {
        good_ = false;
        in_ = {};
    }

  private:
    std::string_view in_;
    bool good_ = true;
};

inline constexpr auto last_state = static_cast<std::uint8_t>(upstream_state::held);
inline constexpr auto last_use = static_cast<std::uint8_t>(listener_use::redirect);
inline constexpr auto last_word = static_cast<std::uint8_t>(word::end);

// What each message has behind its first byte, in one order for both ways.

inline void put(writer& w, hello const& m) {
    w.number(m.version);
    w.text(m.program);
}
inline void get(reader& r, hello& m) {
    m.version = r.number<std::uint16_t>();
    m.program = r.text();
}
inline void put(writer& w, refusal const& m) {
    w.text(m.why);
}
inline void get(reader& r, refusal& m) {
    m.why = r.text();
}
inline void put(writer& w, secret const& m) {
    w.text(m.text);
}
inline void get(reader& r, secret& m) {
    m.text = r.text();
}

inline void put(writer& w, known_upstream const& m) {
    w.text(m.to.name);
    w.text(m.to.host);
    w.number(m.to.port);
    w.flag(m.to.secure);
    w.number(static_cast<std::uint16_t>(m.to.weight));
    w.flag(m.to.node_tag.has_value());
    w.number(m.to.node_tag.value_or(0));
    w.number(static_cast<std::uint8_t>(m.to.proxy_protocol));
    w.number(static_cast<std::uint8_t>(m.state));
    w.flag(m.by_hand);
}
inline void get(reader& r, known_upstream& m) {
    m.to.name = r.text();
    m.to.host = r.text();
    m.to.port = r.number<std::uint16_t>();
    m.to.secure = r.flag();
    m.to.weight = r.number<std::uint16_t>(1'000);
    bool const tagged = r.flag();
    auto const tag = r.number<std::uint16_t>();
    if (tagged)
        m.to.node_tag = tag;
    m.to.proxy_protocol = r.number<std::uint8_t>(2);
    m.state = static_cast<upstream_state>(r.number<std::uint8_t>(last_state));
    m.by_hand = r.flag();
    if (!is_upstream_name(m.to.name))
        r.fail();
}

inline void put(writer& w, known_sessions const& m) {
    for (auto const& e : m.all) {
        auto const before = w.out().size();
        w.text(e.sid);
        w.text(e.upstream);
        w.flag(e.polling);
        w.number(
            static_cast<std::uint32_t>(std::clamp<std::int64_t>(e.age.count(), 0, 0xffffffff)));
        if (w.out().size() > max_bytes)
            return w.out().resize(before);
    }
}
inline void get(reader& r, known_sessions& m) {
    while (r.good() && !r.at_end()) {
        known_sessions::entry e;
        e.sid = r.text();
        e.upstream = r.text();
        e.polling = r.flag();
        e.age = milliseconds(r.number<std::uint32_t>());
        m.all.push_back(std::move(e));
    }
}

inline void put(writer& w, listeners const& m) {
    w.number(static_cast<std::uint8_t>(m.use));
}
inline void get(reader& r, listeners& m) {
    m.use = static_cast<listener_use>(r.number<std::uint8_t>(last_use));
}
inline void put(writer& w, word const& m) {
    w.number(static_cast<std::uint8_t>(m));
}
inline void get(reader& r, word& m) {
    m = static_cast<word>(r.number<std::uint8_t>(last_word));
}

inline void put(writer& w, passed_client const& m) {
    w.text(m.rest, max_bytes);
    w.address(m.peer);
    w.address(m.counted);
    w.flag(m.secure);
    w.number(m.served);
}
inline void get(reader& r, passed_client& m) {
    m.rest = r.text(max_bytes);
    m.peer = r.address();
    m.counted = r.address();
    m.secure = r.flag();
    m.served = r.number<std::uint32_t>();
}
inline void put(writer& w, passed_tunnel const& m) {
    auto const at = m.frames.save();
    w.number(at.payload);
    w.number(at.length);
    w.number(at.have);
    w.number(at.left);
    w.flag(at.masked);
    w.flag(at.in_mask);
    w.text(m.upstream);
    w.address(m.counted);
}
inline void get(reader& r, passed_tunnel& m) {
    frame_scan::state at;
    at.payload = r.number<std::uint64_t>();
    at.length = r.number<std::uint64_t>();
    at.have = r.number<std::uint8_t>(2);
    at.left = r.number<std::uint8_t>(8);
    at.masked = r.flag();
    at.in_mask = r.flag();
    m.frames = frame_scan::from(at);
    m.upstream = r.text();
    m.counted = r.address();
}

inline void put(writer& w, web_tunnel const& m) {
    put(w, m.what);
}
inline void get(reader& r, web_tunnel& m) {
    get(r, m.what);
    m.what.web = true;
    m.what.session = false;
}

inline void put(writer& w, other_tunnel const& m) {
    put(w, m.what);
}
inline void get(reader& r, other_tunnel& m) {
    get(r, m.what);
    m.what.session = false;
}

template <std::size_t I = 0>
std::optional<message> decode_as(std::size_t which, reader& r) {
    if constexpr (I < std::variant_size_v<message>) {
        if (which != I)
            return decode_as<I + 1>(which, r);
        std::variant_alternative_t<I, message> m{};
        get(r, m);
        if (r.good() && r.at_end())
            return message(std::in_place_index<I>, std::move(m));
    }
    return std::nullopt;
}

} // namespace detail

MAD_DECL std::string encode(message const& m) {
    detail::writer w;
    w.number(static_cast<std::uint8_t>(m.index()));
    std::visit([&](auto const& one) { detail::put(w, one); }, m);
    if (w.out().size() > max_bytes)
        w.out().clear();
    return std::move(w.out());
}

MAD_DECL std::optional<message> decode(std::string_view text) {
    if (text.empty() || text.size() > max_bytes)
        return std::nullopt;
    detail::reader r(text);
    auto const which = r.number<std::uint8_t>();
    return detail::decode_as(which, r);
}

MAD_DECL std::optional<std::size_t> descriptors_of(message const& m) {
    if (std::holds_alternative<listeners>(m))
        return std::nullopt;
    if (std::holds_alternative<passed_client>(m))
        return 1u;
    bool const tunnel = std::holds_alternative<passed_tunnel>(m) ||
                        std::holds_alternative<web_tunnel>(m) ||
                        std::holds_alternative<other_tunnel>(m);
    return tunnel ? 2u : 0u;
}

} // namespace mad::inline MAD_ABI::proxy::handover

#endif
