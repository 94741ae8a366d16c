#ifndef MAD_TESTS_SUPPORT_WIRES_HPP
#define MAD_TESTS_SUPPORT_WIRES_HPP

#include <catch2/catch.hpp>

#include <support/engine_peer.hpp>

namespace mad_test {

/// Each wire in turn.
inline wire both() {
    return GENERATE(wire::websocket, wire::polling);
}

} // namespace mad_test

#endif
