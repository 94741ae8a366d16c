#ifndef MAD_ENGINE_HPP
#define MAD_ENGINE_HPP

/// The room `engine`: Engine.IO: server and client.
#include <mad/engine/client.hpp>
#include <mad/engine/server.hpp>
#include <mad/engine/siblings.hpp>

#endif
