// Bodies of room fleet that need hiredis.
#include <mad/fleet/impl/redis_store.ipp>
