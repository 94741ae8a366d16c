#ifndef MAD_REDIS_HPP
#define MAD_REDIS_HPP

/// The room `redis`: a Redis client: commands and subscriptions. Needs hiredis (mad::redis).
#include <mad/redis/client.hpp>
#include <mad/redis/subscriber.hpp>

#endif
