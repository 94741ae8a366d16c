// Bodies of room fleet.
#include <mad/fleet/impl/agent.ipp>
#include <mad/fleet/impl/api.ipp>
#include <mad/fleet/impl/page.ipp>
#include <mad/fleet/impl/record.ipp>
#include <mad/fleet/impl/store.ipp>
#include <mad/fleet/impl/web.ipp>
