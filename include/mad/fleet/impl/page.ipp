#ifndef MAD_FLEET_IMPL_PAGE_IPP
#define MAD_FLEET_IMPL_PAGE_IPP

#include <mad/core/base64.hpp>
#include <mad/core/bytes.hpp>
#include <mad/core/sha1.hpp>
#include <mad/fleet/page.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline std::string read_file(std::filesystem::path const& p) {
    std::ifstream in(p, std::ios::binary);
    if (!in)
        throw std::runtime_error("cannot read " + p.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string_view content_type(std::string_view name) {
    constexpr std::pair<std::string_view, std::string_view> types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".json", "application/json"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
        {".webmanifest", "application/manifest+json"},
        {".map", "application/json"},
    };
    for (auto const& [ending, type] : types)
        if (name.ends_with(ending))
            return type;
    return "application/octet-stream";
}

/// Build tools put a hash of eight or more characters in front of the ending: `index-BmW8hnoz.js`.
inline bool carries_hash(std::string_view path) {
    auto const dot = path.rfind('.');
    auto const dash = path.rfind('-', dot);
    return path.starts_with("/assets/") && dot != path.npos && dash != path.npos && dot > dash &&
           dot - dash - 1 >= 8;
}

/// Whether the parameters of a coding say that it is not wanted: `;q=0`, `; q=0.000`.
inline bool refused(std::string_view parameters) {
    auto const q = parameters.find("q=");
    if (q == parameters.npos)
        return false;
    auto const weight = parameters.substr(q + 2);
    return weight.starts_with('0') && weight.find_first_of("123456789") == weight.npos;
}

/// Whether `Accept-Encoding` takes a coding; `q=0` refuses it.
inline bool accepts(std::string_view header, std::string_view coding) {
    while (!header.empty()) {
        auto const comma = std::min(header.find(','), header.size());
        auto item = net::http::trim(header.substr(0, comma));
        header.remove_prefix(std::min(comma + 1, header.size()));
        auto const semicolon = std::min(item.find(';'), item.size());
        if (net::http::iequals(net::http::trim(item.substr(0, semicolon)), coding))
            return !refused(item.substr(semicolon));
    }
    return false;
}

/// Whether a path may be a place in the page rather than a file.
inline bool is_deep_link(std::string_view path) {
    if (path.starts_with("/assets/"))
        return false;
    return path.starts_with("/host/") || path.substr(path.rfind('/') + 1).find('.') == path.npos;
}

/// Whether somebody asks for a page: browsers name `text/html` when they go to an address, and not
/// for images, scripts and styles. Who names nothing, or takes all alike, is a person's tool.
inline bool takes_html(net::http::request const& r) {
    auto const accepted = net::http::trim(r.header("Accept"));
    return accepted.empty() || accepted == "*/*" || accepts(accepted, "text/html");
}

} // namespace detail

MAD_DECL std::optional<origin> parse_origin(std::string_view url) {
    auto const colon = url.find("://");
    if (colon == url.npos)
        return std::nullopt;
    origin o{std::string(url.substr(0, colon)), std::string(url.substr(colon + 3))};
    if (o.authority.ends_with('/'))
        o.authority.pop_back();
    // What may stand in a policy: a name, an address, a port. A `;` would add a directive.
    bool const plain = std::all_of(o.authority.begin(), o.authority.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == ':' || c == '[' || c == ']' || c == '_';
    });
    if ((o.scheme != "http" && o.scheme != "https") || o.authority.empty() || !plain)
        return std::nullopt;
    return o;
}

MAD_DECL std::string content_policy(std::string_view api_url,
                                    std::vector<std::string> const& frame_ancestors) {
    std::string out = "default-src 'self'; connect-src 'self'";
    if (auto const o = parse_origin(api_url))
        out.append(" ").append(o->http()).append(" ").append(o->ws());
    std::string framers;
    for (auto const& url : frame_ancestors)
        if (auto const o = parse_origin(url))
            framers.append(" ").append(o->http());
    out.append("; frame-ancestors").append(framers.empty() ? " 'none'" : framers);
    return out += "; base-uri 'none'; require-trusted-types-for 'script'";
}

MAD_DECL page::page(std::string const& root, std::string_view api_url,
                    std::vector<std::string> const& frame_ancestors) {
    namespace fs = std::filesystem;
    std::error_code ec;
    if (!fs::is_regular_file(fs::path(root) / "index.html", ec))
        throw std::runtime_error("no index.html in '" + root + "': build the console first");
    for (auto const& entry : fs::recursive_directory_iterator(root)) {
        auto const name = entry.path().filename().string();
        if (!entry.is_regular_file() || name.ends_with(".br") || name.ends_with(".gz"))
            continue;
        // Not `relative`, which would give a link the name of what it points to.
        auto const path = "/" + entry.path().lexically_relative(root).generic_string();
        auto const bytes = detail::read_file(entry.path());
        auto& f = files_[path];
        f.plain = net::wire_block::raw(bytes);
        for (auto* const packed : {&f.gzip, &f.brotli}) {
            auto const beside = entry.path().string() + (packed == &f.gzip ? ".gz" : ".br");
            if (fs::is_regular_file(beside, ec))
                *packed = net::wire_block::raw(detail::read_file(beside));
        }
        f.type = detail::content_type(path);
        f.immutable = detail::carries_hash(path);
        auto const digest = sha1(bytes);
        f.etag = "\"";
        append_base64(f.etag, as_text(digest));
        f.etag += '"';
    }
    net::http::response common;
    common.set("Content-Security-Policy", content_policy(api_url, frame_ancestors));
    common.set("X-Content-Type-Options", "nosniff");
    common.set("Referrer-Policy", "no-referrer");
    common.set("Cross-Origin-Opener-Policy", "same-origin");
    fields_ = std::move(common.fields);
}

MAD_DECL void page::on_request(net::shard&, net::http::request const& r, net::http::exchange x) {
    if (r.method != "GET" && r.method != "HEAD") {
        auto no = net::http::text_answer(405, "Method Not Allowed\n");
        no.set("Allow", "GET, HEAD");
        return x.respond(std::move(no));
    }
    auto it = files_.find(r.path == "/" ? std::string_view("/index.html") : r.path);
    if (it == files_.end() && detail::is_deep_link(r.path) && detail::takes_html(r))
        it = files_.find("/index.html");
    if (it == files_.end()) {
        auto none = net::http::text_answer(404, "Not Found\n");
        none.fields += fields_;
        return x.respond(std::move(none));
    }
    x.respond(answer(it->second, r));
}

MAD_DECL net::http::response page::answer(file const& f, net::http::request const& r) const {
    net::http::response out;
    out.fields = fields_;
    if (r.secure)
        out.set("Strict-Transport-Security", "max-age=31536000");
    out.set("Cache-Control", f.immutable ? "public, max-age=31536000, immutable" : "no-cache");
    out.set("ETag", "W/" + f.etag); // weak: one tag for all codings
    out.set("Vary", "Accept-Encoding");
    auto const known = r.header("If-None-Match");
    if (!known.empty() && (known == "*" || known.find(f.etag) != known.npos)) {
        out.status = 304;
        out.bodiless = true;
        return out;
    }
    out.set("Content-Type", f.type);
    auto const accepted = r.header("Accept-Encoding");
    out.shared_body = f.plain;
    if (f.brotli && detail::accepts(accepted, "br")) {
        out.shared_body = f.brotli;
        out.set("Content-Encoding", "br");
    } else if (f.gzip && detail::accepts(accepted, "gzip")) {
        out.shared_body = f.gzip;
        out.set("Content-Encoding", "gzip");
    }
    return out;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
