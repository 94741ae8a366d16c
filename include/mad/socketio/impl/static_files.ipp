#ifndef MAD_SOCKETIO_IMPL_STATIC_FILES_IPP
#define MAD_SOCKETIO_IMPL_STATIC_FILES_IPP

#include <mad/socketio/static_files.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL std::span<std::string_view const> client_file_names() {
    static constexpr std::array<std::string_view, 8> names{"socket.io.js",
                                                           "socket.io.js.map",
                                                           "socket.io.min.js",
                                                           "socket.io.min.js.map",
                                                           "socket.io.esm.min.js",
                                                           "socket.io.esm.min.js.map",
                                                           "socket.io.msgpack.min.js",
                                                           "socket.io.msgpack.min.js.map"};
    return names;
}

namespace detail {

/// Whether a browser has it already: `"a", W/"b"` or `*`. Both kinds of tag count, as the content
/// is never transformed.
inline bool names_tag(std::string_view list, std::string_view tag) {
    while (!list.empty()) {
        auto const comma = list.find(',');
        auto one = net::http::trim(list.substr(0, comma));
        list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
        if (one.starts_with("W/"))
            one.remove_prefix(2);
        if (one == tag || one == "*")
            return true;
    }
    return false;
}

/// Length and FNV-1a of the content: it tells one release from the next, nothing more.
inline std::string tag_of(std::string_view content) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (unsigned char const c : content)
        hash = (hash ^ c) * 0x100000001b3u;
    char out[48];
    std::snprintf(out, sizeof(out), "\"%zx-%016llx\"", content.size(),
                  static_cast<unsigned long long>(hash));
    return out;
}

} // namespace detail

MAD_DECL void mount_client_files(net::http::router& to, std::string_view path,
                                 std::string const& folder, std::string const& version,
                                 engine::cors_settings const& cors) {
    bool any = false;
    for (auto const name : client_file_names()) {
        auto const file = std::filesystem::path(folder) / name;
        std::error_code ec;
        if (!std::filesystem::is_regular_file(file, ec))
            continue;
        std::ifstream in(file, std::ios::binary);
        std::string const content{std::istreambuf_iterator<char>(in), {}};
        if (!in)
            throw std::runtime_error("cannot read " + file.string());
        any = true;
        auto tag = version.empty() ? detail::tag_of(content) : '"' + version + '"';
        auto const* const type = name.ends_with(".map") ? "application/json; charset=utf-8"
                                                        : "application/javascript; charset=utf-8";
        to.get(std::string(path).append(name),
               [tag = std::move(tag), type, &cors,
                body = net::wire_block::raw(content)](net::http::request const& r) {
                   net::http::response answer;
                   answer.fields = engine::cors_fields(cors, r);
                   answer.set("Cache-Control", "public, max-age=0").set("ETag", tag);
                   if (detail::names_tag(r.header("If-None-Match"), tag)) {
                       answer.status = 304;
                       return answer;
                   }
                   answer.set("Content-Type", type).set("X-Content-Type-Options", "nosniff");
                   answer.shared_body = body;
                   return answer;
               });
    }
    if (!any)
        throw std::runtime_error("no client files in " + folder);
}

} // namespace mad::inline MAD_ABI::socketio

#endif
