#ifndef MAD_PROXY_HPP
#define MAD_PROXY_HPP

/// The room `proxy`: a sticky proxy for Socket.IO servers.
#include <mad/proxy/admin.hpp>
#include <mad/proxy/handover.hpp>
#include <mad/proxy/metrics.hpp>
#include <mad/proxy/server.hpp>

#endif
