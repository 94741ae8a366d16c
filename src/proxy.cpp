// Bodies of room proxy.
#include <mad/proxy/impl/error.ipp>
#include <mad/proxy/impl/forward.ipp>
#include <mad/proxy/impl/proxy_protocol.ipp>
#include <mad/proxy/impl/affinity.ipp>
#include <mad/proxy/impl/cookie.ipp>
#include <mad/proxy/impl/health_check.ipp>
#include <mad/proxy/impl/pool.ipp>
#include <mad/proxy/impl/pool_view.ipp>
#include <mad/proxy/impl/sid_table.ipp>
#include <mad/proxy/impl/upstream.ipp>
