#ifndef MAD_SYNC_HPP
#define MAD_SYNC_HPP

/// The room `sync`: nodes among each other over Redis, and an emitter. Needs hiredis (mad::sync).
#include <mad/sync/emitter.hpp>
#include <mad/sync/redis_adapter.hpp>
#include <mad/sync/redis_bus.hpp>
#include <mad/sync/sharded_adapter.hpp>
#include <mad/sync/streams_adapter.hpp>

#endif
