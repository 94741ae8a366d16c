#ifndef MAD_FLEET_HPP
#define MAD_FLEET_HPP

/// The room `fleet`: the product: API node, console server, agent.
#include <mad/fleet/api.hpp>
#include <mad/fleet/web.hpp>
#include <mad/fleet/agent.hpp>

#endif
