#include <mad/fleet/node_message.hpp>

#include <catch2/catch.hpp>

#include <support/print_result.hpp>

using namespace mad::fleet;

static std::string const record =
    R"({"id":"a","health":{"storage":1},"run":"r\u0031","seq":7,"info":{"host":"h"},"socketID":"s"})";

TEST_CASE("what nodes need to know of a record is read from it") {
    auto const facts = read_record(record);
    REQUIRE(facts);
    CHECK(facts->id == "a");
    CHECK(facts->socket_id == "s");
    CHECK(facts->run == "r1");
    CHECK(facts->seq == 7u);
    CHECK(facts->info == R"({"host":"h"})");
}

TEST_CASE("a record of the original has little in it") {
    auto const facts = read_record(R"({"id":"a","health":{},"socketID":"s"})");
    REQUIRE(facts);
    CHECK(facts->run.empty());
    CHECK_FALSE(facts->seq);
    CHECK(facts->info.empty());
}

TEST_CASE("a record that could break a list is refused") {
    auto const text =
        GENERATE(as<std::string>{}, "", "[]", "null", "{", R"({"id":"a"})", R"({"health":{}})",
                 R"({"id":1,"health":{}})", R"({"id":"","health":{}})", R"({"id":"a","health":[]})",
                 R"({"id":"a","health":{}}x)", "{\"id\":\"\xff\",\"health\":{}}");
    CAPTURE(text);
    CHECK_FALSE(read_record(text));
}

TEST_CASE("an envelope comes back as it went") {
    auto const text = write_envelope({1764000000123, 42, record});
    CHECK(text == "[1764000000123,42," + record + "]");
    auto const e = read_envelope(text);
    REQUIRE(e);
    CHECK(e->born == 1764000000123);
    CHECK(e->version == 42);
    CHECK(e->record == record);
}

TEST_CASE("what is no envelope is refused") {
    auto const text = GENERATE(as<std::string>{}, "", "{}", "[]", "[1,2]", "[1,2,3]", "[1,2,{}",
                               "[1,2,{},4]", "[\"1\",2,{}]", "[1,-2,{}]", "[1,2.5,{}]");
    CAPTURE(text);
    CHECK_FALSE(read_envelope(text));
}

TEST_CASE("a message holds who has gone, what is new and who is dead") {
    auto const one = write_envelope({1, 2, record});
    message_writer w("n\"1", "e", 9);
    w.gone("x\n", 3);
    w.gone("y", 4);
    w.update(one);
    w.update(one);
    w.dead("n2", "e2");
    auto const text = std::move(w).finish();
    CHECK(text == R"({"n":"n\"1","e":"e","s":9,"g":[["x\n",3],["y",4]],"u":[)" + one + "," + one +
                      R"(],"d":[["n2","e2"]]})");
    auto const m = read_message(text);
    REQUIRE(m);
    CHECK(m->node == "n\"1");
    CHECK(m->epoch == "e");
    CHECK(m->seq == 9);
    CHECK(m->gone == std::vector<std::pair<std::string, std::uint64_t>>{{"x\n", 3}, {"y", 4}});
    REQUIRE(m->updates.size() == 2);
    CHECK(m->updates[1].record == record);
    CHECK(m->dead == std::vector<std::pair<std::string, std::string>>{{"n2", "e2"}});
}

TEST_CASE("a sign of life is a message without changes") {
    auto const text = message_writer("n", "e", 1).finish();
    CHECK(text == R"({"n":"n","e":"e","s":1})");
    CHECK(read_message(text));
}

TEST_CASE("members that are not known yet are passed over") {
    auto const m = read_message(R"({"n":"n","new":[1],"e":"e","s":1})");
    REQUIRE(m);
    CHECK(m->seq == 1);
}

TEST_CASE("what is no message is refused") {
    auto const text = GENERATE(
        as<std::string>{}, "", "[]", "{}", R"({"n":"n","e":"e"})", R"({"n":1,"e":"e","s":1})",
        R"({"n":"n","e":"e","s":-1})", R"({"n":"n","n":"n","s":1})",
        R"({"n":"n","e":"e","s":1,"u":{}})", R"({"n":"n","e":"e","s":1,"u":[1]})",
        R"({"n":"n","e":"e","s":1,"g":[["a"]]})", R"({"n":"n","e":"e","s":1,"g":["a"]})",
        R"({"n":"n","e":"e","s":1,"d":[[1,2]]})", R"({"n":"n","e":"e","s":1)");
    CAPTURE(text);
    CHECK_FALSE(read_message(text));
}

TEST_CASE("many changes fit one message") {
    message_writer w("n", "e", 1);
    auto const one = write_envelope({1, 2, record});
    for (int i = 0; i < 5'000; ++i) {
        w.update(one);
    }
    auto const text = std::move(w).finish();
    auto const m = read_message(text);
    REQUIRE(m);
    CHECK(m->updates.size() == 5'000);
}
