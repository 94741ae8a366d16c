#ifndef MAD_SOCKETIO_STATIC_FILES_HPP
#define MAD_SOCKETIO_STATIC_FILES_HPP

#include <mad/engine/cors.hpp>
#include <mad/net/http/router.hpp>

#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::socketio {

/// Names of the client's files for browsers that a server hands out: the bundles of socket.io 4.8
/// and their maps. No other file is ever served.
std::span<std::string_view const> client_file_names();

/// Reads those of the files that are in `folder` (the `dist` folder of socket.io-client, or
/// `client-dist` of socket.io), once, and serves them below `path` (which ends in `/`), with an
/// `ETag`, `Cache-Control: public, max-age=0` and 304. The tag is `"version"`; without a version it
/// is made of the content. Throws std::runtime_error when there is none of them. Mount it before
/// the engine, which takes the whole path. `cors` must outlive the router.
void mount_client_files(net::http::router&, std::string_view path, std::string const& folder,
                        std::string const& version, engine::cors_settings const& cors);

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/static_files.ipp>
#endif

#endif
