#ifndef MAD_SOCKETIO_HPP
#define MAD_SOCKETIO_HPP

/// The room `socketio`: Socket.IO: server and client.
#include <mad/socketio/client.hpp>
#include <mad/socketio/server.hpp>

#endif
