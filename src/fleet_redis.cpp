// Bodies of room fleet that need rooms redis and sync.
#include <mad/fleet/impl/discovery.ipp>
#include <mad/fleet/impl/original.ipp>
#include <mad/fleet/impl/redis_ledger.ipp>
#include <mad/fleet/impl/redis_store.ipp>
