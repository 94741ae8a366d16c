#ifndef MAD_FLEET_HPP
#define MAD_FLEET_HPP

/// The room `fleet`: the product: API node, console server, agent.
#include <mad/fleet/agent.hpp>
#include <mad/fleet/api.hpp>
#include <mad/fleet/web.hpp>

#endif
