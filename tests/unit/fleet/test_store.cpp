#include "store_suite.hpp"

#include <catch2/catch.hpp>

// One suite for every kind of store: a new one is a line here.
TEST_CASE("the embedded store") {
    mad_test::store_suite([] { return mad::fleet::make_embedded_store(); });
}
