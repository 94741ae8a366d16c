#ifndef MAD_NET_HTTP_IMPL_RESPONSE_HEAD_IPP
#define MAD_NET_HTTP_IMPL_RESPONSE_HEAD_IPP

#include <mad/net/http/response_head.hpp>

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <charconv>

namespace mad::inline MAD_ABI::net::http {

namespace detail {

/// Beast checks the grammar and tells us what it sees; nothing is stored but views.
class response_head_parser final : public boost::beast::http::basic_parser<false> {
  public:
    response_head_parser(std::string_view text, client_limits const& l, response_head& out)
        : text_(text)
        , limits_(l)
        , out_(out) {
        header_limit(static_cast<std::uint32_t>(l.max_head_bytes + 1024));
        skip(true); // bodies are framed by the connection
    }

    client_error failed = client_error::none;

  private:
    using view = boost::beast::string_view;

    void refuse(client_error why, boost::beast::error_code& ec) {
        failed = why;
        ec = boost::beast::http::error::bad_value;
    }

    void on_response_impl(int status, view, int version, boost::beast::error_code& ec) override {
        out_.status = status;
        out_.version = version;
        if ((version != 10 && version != 11) || status < 100 || status > 999)
            refuse(client_error::bad_response, ec);
    }

    void on_field_impl(boost::beast::http::field, view name, view value,
                       boost::beast::error_code& ec) override {
        if (out_.fields.size() >= limits_.max_fields)
            return refuse(client_error::head_too_large, ec);
        // A value outside the input was joined from folded lines.
        if (!value.empty() && (value.data() < text_.data() ||
                               value.data() + value.size() > text_.data() + text_.size()))
            return refuse(client_error::bad_response, ec);
        out_.fields.push_back({{name.data(), name.size()}, {value.data(), value.size()}});
    }

    void on_request_impl(boost::beast::http::verb, view, view, int,
                         boost::beast::error_code&) override {}
    void on_header_impl(boost::beast::error_code&) override {}
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
    client_limits const& limits_;
    response_head& out_;
};

/// Decides the framing of the body. False: it cannot be relied on.
inline bool judge_response_framing(response_head& h) {
    std::string_view length, coding;
    std::size_t lengths = 0, codings = 0;
    for (auto const& f : h.fields) {
        if (iequals(f.name, "Content-Length")) {
            if (lengths++ > 0 && f.value != length)
                return false;
            length = f.value;
        } else if (iequals(f.name, "Transfer-Encoding")) {
            ++codings;
            coding = f.value;
        }
    }
    if (h.status < 200 || h.status == 204 || h.status == 304)
        return true;
    if (codings > 0) {
        if (h.version == 10 || lengths > 0 || codings > 1 || !iequals(coding, "chunked"))
            return false;
        h.body = response_body::chunked;
    } else if (lengths > 0) {
        auto const* const end = length.data() + length.size();
        auto const r = std::from_chars(length.data(), end, h.content_length);
        if (length.empty() || r.ec != std::errc() || r.ptr != end)
            return false;
        h.body = h.content_length > 0 ? response_body::sized : response_body::none;
    } else {
        h.body = response_body::until_close;
    }
    return true;
}

} // namespace detail

MAD_DECL std::string_view response_head::header(std::string_view name) const {
    for (auto const& f : fields)
        if (iequals(f.name, name))
            return f.value;
    return {};
}

MAD_DECL bool response_head::says(std::string_view name, std::string_view token) const {
    return std::any_of(fields.begin(), fields.end(), [&](field const& f) {
        return iequals(f.name, name) && has_token(f.value, token);
    });
}

MAD_DECL error_code parse_response_head(std::string_view text, client_limits const& limits,
                                        response_head& out) {
    out = response_head{0, 11, std::move(out.fields), response_body::none, 0, false};
    out.fields.clear();
    if (text.size() > limits.max_head_bytes)
        return client_error::head_too_large;
    // Two searches for one character each: several times faster than one for either.
    if (text.find('\0') != text.npos)
        return client_error::bad_response;
    for (auto i = text.find('\n'); i != text.npos; i = text.find('\n', i + 1))
        if (i == 0 || text[i - 1] != '\r' ||
            (i + 1 < text.size() && (text[i + 1] == ' ' || text[i + 1] == '\t')))
            return client_error::bad_response;
    detail::response_head_parser p(text, limits, out);
    boost::beast::error_code ec;
    p.put(boost::asio::const_buffer(text.data(), text.size()), ec);
    if (p.failed != client_error::none)
        return p.failed;
    if ((ec && ec != boost::beast::http::error::need_more) || !p.is_header_done())
        return client_error::bad_response;
    if (!detail::judge_response_framing(out))
        return client_error::bad_response;
    out.keep_alive = !out.says("Connection", "close") &&
                     (out.version == 11 || out.says("Connection", "keep-alive")) &&
                     out.body != response_body::until_close;
    return {};
}

MAD_DECL result<response_head> parse_response_head(std::string_view text,
                                                   client_limits const& limits) {
    response_head out;
    if (auto const bad = parse_response_head(text, limits, out))
        return bad;
    return out;
}

} // namespace mad::inline MAD_ABI::net::http

#endif
