// Bodies of room fleet.
#include <mad/fleet/impl/agent.ipp>
#include <mad/fleet/impl/announced_node.ipp>
#include <mad/fleet/impl/api.ipp>
#include <mad/fleet/impl/host_metrics.ipp>
#include <mad/fleet/impl/node_message.ipp>
#include <mad/fleet/impl/page.ipp>
#include <mad/fleet/impl/picture.ipp>
#include <mad/fleet/impl/record.ipp>
#include <mad/fleet/impl/shared_peers.ipp>
#include <mad/fleet/impl/shared_store.ipp>
#include <mad/fleet/impl/store.ipp>
#include <mad/fleet/impl/token_file.ipp>
#include <mad/fleet/impl/web.ipp>
