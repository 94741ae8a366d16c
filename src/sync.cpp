// Bodies of room sync, which needs room redis.
#include <mad/sync/impl/classic_codec.ipp>
#include <mad/sync/impl/classic_codec_read.ipp>
#include <mad/sync/impl/cluster_codec.ipp>
#include <mad/sync/impl/emitter.ipp>
#include <mad/sync/impl/error.ipp>
#include <mad/sync/impl/exchange.ipp>
#include <mad/sync/impl/exchange_heard.ipp>
#include <mad/sync/impl/msgpack.ipp>
#include <mad/sync/impl/redis_adapter.ipp>
#include <mad/sync/impl/redis_bus.ipp>
#include <mad/sync/impl/sharded_adapter.ipp>
#include <mad/sync/impl/stream_sessions.ipp>
#include <mad/sync/impl/streams_adapter.ipp>
