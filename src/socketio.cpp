// Bodies of room socketio.
#include <mad/socketio/impl/args.ipp>
#include <mad/socketio/impl/broadcast.ipp>
#include <mad/socketio/impl/client.ipp>
#include <mad/socketio/impl/client_core.ipp>
#include <mad/socketio/impl/client_link.ipp>
#include <mad/socketio/impl/client_node.ipp>
#include <mad/socketio/impl/client_socket.ipp>
#include <mad/socketio/impl/disconnect_reason.ipp>
#include <mad/socketio/impl/encoded.ipp>
#include <mad/socketio/impl/error.ipp>
#include <mad/socketio/impl/handshake.ipp>
#include <mad/socketio/impl/nsp.ipp>
#include <mad/socketio/impl/nsp_core.ipp>
#include <mad/socketio/impl/packet.ipp>
#include <mad/socketio/impl/parser.ipp>
#include <mad/socketio/impl/server.ipp>
#include <mad/socketio/impl/socket.ipp>
