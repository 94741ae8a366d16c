// Bodies of room net that need OpenSSL.
#include <mad/net/impl/tls_context.ipp>
#include <mad/net/impl/tls_engine.ipp>
#include <mad/net/impl/tls_error.ipp>
