#ifndef MAD_NET_HTTP_IMPL_HEAD_IPP
#define MAD_NET_HTTP_IMPL_HEAD_IPP

#include <mad/net/http/head.hpp>

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <charconv>

namespace mad::inline MAD_ABI::net::http {

namespace detail {

/// Beast checks the grammar and tells us what it sees; nothing is stored but views.
class head_parser final : public boost::beast::http::basic_parser<true> {
  public:
    head_parser(std::string_view text, limits const& l, head& out)
        : text_(text)
        , limits_(l)
        , out_(out) {
        header_limit(static_cast<std::uint32_t>(l.max_head_bytes + 1024));
        skip(true); // bodies are framed by the connection
    }

    int status = 0;

  private:
    using view = boost::beast::string_view;

    static std::string_view sv(view v) { return {v.data(), v.size()}; }

    void refuse(int why, boost::beast::error_code& ec) {
        status = why;
        ec = boost::beast::http::error::bad_value;
    }

    void on_request_impl(boost::beast::http::verb, view method, view target, int version,
                         boost::beast::error_code& ec) override {
        out_.req.method = sv(method);
        out_.req.target = sv(target);
        out_.req.version = version;
        if (target.size() > limits_.max_target_bytes)
            return refuse(414, ec);
        if (version != 10 && version != 11)
            return refuse(505, ec);
    }

    void on_field_impl(boost::beast::http::field, view name, view value,
                       boost::beast::error_code& ec) override {
        if (out_.fields.size() >= limits_.max_fields)
            return refuse(431, ec);
        // A value outside the input was joined from folded lines, which RFC 9112 lets us refuse.
        if (!value.empty() && (value.data() < text_.data() ||
                               value.data() + value.size() > text_.data() + text_.size()))
            return refuse(400, ec);
        out_.fields.push_back({sv(name), sv(value)});
    }

    void on_header_impl(boost::beast::error_code&) override {}
    void on_response_impl(int, view, int, boost::beast::error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&,
                           boost::beast::error_code&) override {}
    std::size_t on_body_impl(view b, boost::beast::error_code&) override { return b.size(); }
    void on_chunk_header_impl(std::uint64_t, view, boost::beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, view b, boost::beast::error_code&) override {
        return b.size();
    }
    void on_finish_impl(boost::beast::error_code&) override {}
#if BOOST_VERSION >= 108800
    void on_trailer_field_impl(boost::beast::http::field, view, view,
                               boost::beast::error_code&) override {}
#endif

    std::string_view text_;
    limits const& limits_;
    head& out_;
};

/// Whether the line that ends at `line_feed` goes on in the next one. (Beast's parser joins such
/// lines, and shows the outcome as if it were one when the first part is empty.)
inline bool is_folded(std::string_view text, std::size_t line_feed) {
    auto const next = line_feed + 1 < text.size() ? text[line_feed + 1] : '\0';
    return next == ' ' || next == '\t';
}

/// True when the request line ends like `HTTP/2.0`, not in something else.
inline bool names_other_version(std::string_view text) {
    auto const line = text.substr(0, text.find('\r'));
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    if (std::count(line.begin(), line.end(), ' ') != 2)
        return false;
    auto const v = line.substr(line.rfind(' ') + 1);
    return v.size() == 8 && v.starts_with("HTTP/") && digit(v[5]) && v[6] == '.' && digit(v[7]);
}

/// Decides the framing of the body. 0, or the status to refuse with.
inline int judge_framing(head& h) {
    std::string_view length, coding;
    std::size_t lengths = 0, codings = 0, hosts = 0;
    for (auto const& f : h.fields) {
        if (iequals(f.name, "Content-Length")) {
            ++lengths;
            if (lengths > 1 && f.value != length)
                return 400;
            length = f.value;
        } else if (iequals(f.name, "Transfer-Encoding")) {
            ++codings;
            coding = f.value;
        } else if (iequals(f.name, "Host")) {
            ++hosts;
        }
    }
    if (hosts > 1 || (h.req.version == 11 && hosts == 0))
        return 400;
    if (codings > 0) {
        if (h.req.version == 10 || lengths > 0 || codings > 1 || coding.empty())
            return 400;
        if (!iequals(coding, "chunked"))
            return 501;
        h.body = body_kind::chunked;
    } else if (lengths > 0) {
        auto const* const end = length.data() + length.size();
        auto const r = std::from_chars(length.data(), end, h.content_length);
        if (length.empty() || r.ec != std::errc() || r.ptr != end)
            return 400;
        h.body = h.content_length > 0 ? body_kind::sized : body_kind::none;
    }
    return 0;
}

} // namespace detail

MAD_DECL std::optional<std::size_t> find_head_end(std::string_view text, std::size_t from) {
    auto const at = text.find("\r\n\r\n", from > 3 ? from - 3 : 0);
    if (at == text.npos)
        return std::nullopt;
    return at + 4;
}

MAD_DECL int judge_partial_head(std::string_view text, limits const& l) {
    // Two searches for one character each: several times faster than one for either.
    if (text.find('\0') != text.npos)
        return 400;
    for (auto i = text.find('\n'); i != text.npos; i = text.find('\n', i + 1))
        if (i == 0 || text[i - 1] != '\r' || detail::is_folded(text, i))
            return 400;
    auto const line = text.substr(0, text.find('\r'));
    auto const space = line.find(' ');
    if (space == 0 || (space == line.npos && line.size() > 64))
        return 400;
    if (space != line.npos) {
        auto const target = line.substr(space + 1);
        if (target.substr(0, target.find(' ')).size() > l.max_target_bytes)
            return 414;
    }
    return text.size() > l.max_head_bytes ? 431 : 0;
}

MAD_DECL int parse_head(std::string_view text, limits const& l, head& out) {
    out = head{{}, std::move(out.fields), body_kind::none, 0, false};
    out.fields.clear();
    if (int const bad = judge_partial_head(text, l))
        return bad;
    detail::head_parser p(text, l, out);
    boost::beast::error_code ec;
    p.put(boost::asio::const_buffer(text.data(), text.size()), ec);
    if (ec && ec != boost::beast::http::error::need_more) {
        if (p.status)
            return p.status;
        if (ec == boost::beast::http::error::bad_version)
            return detail::names_other_version(text) ? 505 : 400;
        if (ec == boost::beast::http::error::header_limit)
            return 431;
        return 400;
    }
    if (!p.is_header_done())
        return 400;
    out.req.fields = out.fields;
    auto const q = out.req.target.find('?');
    out.req.path = out.req.target.substr(0, q);
    if (q != std::string_view::npos)
        out.req.query = out.req.target.substr(q + 1);
    if (int const bad = detail::judge_framing(out))
        return bad;
    // A list may come in several fields (RFC 9110 section 5.3).
    auto const says = [&](std::string_view token) {
        return std::any_of(out.fields.begin(), out.fields.end(), [&](field const& f) {
            return iequals(f.name, "Connection") && has_token(f.value, token);
        });
    };
    out.req.keep_alive = !says("close") && (out.req.version == 11 || says("keep-alive"));
    out.req.upgrade = says("upgrade") && out.req.has("Upgrade");
    out.expects_continue = iequals(out.req.header("Expect"), "100-continue");
    return 0;
}

} // namespace mad::inline MAD_ABI::net::http

#endif
