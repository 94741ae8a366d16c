// Bodies of room proxy.
#include <mad/proxy/impl/error.ipp>
#include <mad/proxy/impl/forward.ipp>
#include <mad/proxy/impl/proxy_protocol.ipp>
