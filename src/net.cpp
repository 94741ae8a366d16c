// Bodies of room net: wire, shards, HTTP.
#include <mad/net/impl/address_limits.ipp>
#include <mad/net/impl/deadline.ipp>
#include <mad/net/impl/dial_proxy.ipp>
#include <mad/net/impl/dialer.ipp>
#include <mad/net/impl/io_pool.ipp>
#include <mad/net/impl/listener.ipp>
#include <mad/net/impl/outbox.ipp>
#include <mad/net/impl/shard.ipp>
#include <mad/net/impl/stream.ipp>
#include <mad/net/impl/task_group.ipp>
#include <mad/net/impl/trust.ipp>
#include <mad/net/impl/ws_decoder.ipp>
#include <mad/net/impl/ws_deflate.ipp>
#include <mad/net/impl/ws_error.ipp>
#include <mad/net/impl/ws_frame.ipp>

#include <mad/net/http/impl/client.ipp>
#include <mad/net/http/impl/client_error.ipp>
#include <mad/net/http/impl/coding.ipp>
#include <mad/net/http/impl/connection.ipp>
#include <mad/net/http/impl/head.ipp>
#include <mad/net/http/impl/message.ipp>
#include <mad/net/http/impl/response_head.ipp>
#include <mad/net/http/impl/router.ipp>
#include <mad/net/http/impl/server.ipp>
#include <mad/net/http/impl/url.ipp>
