// Bodies of room engine.
#include <mad/engine/impl/client.ipp>
#include <mad/engine/impl/client_endpoint.ipp>
#include <mad/engine/impl/client_polling.ipp>
#include <mad/engine/impl/close_reason.ipp>
#include <mad/engine/impl/cors.ipp>
#include <mad/engine/impl/error.ipp>
#include <mad/engine/impl/farewells.ipp>
#include <mad/engine/impl/handshake.ipp>
#include <mad/engine/impl/packet.ipp>
#include <mad/engine/impl/payload.ipp>
#include <mad/engine/impl/polling.ipp>
#include <mad/engine/impl/server.ipp>
#include <mad/engine/impl/session.ipp>
#include <mad/engine/impl/siblings.ipp>
#include <mad/engine/impl/websocket.ipp>
