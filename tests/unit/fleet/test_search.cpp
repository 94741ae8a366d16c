#include <mad/core/json.hpp>
#include <mad/fleet/search.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace mad;
using namespace mad::fleet;

namespace {

struct searched_host {
    search_subject subject;
    std::string id, name, region, os;
    std::vector<std::string> tags;
};

json const& search_cases() {
    static auto const cases = [] {
        // Set by the build: compilers may be told to write relative names into __FILE__.
        char const* const tests = std::getenv("MAD_TESTS_DIR");
        auto const root = tests ? std::filesystem::path(tests)
                                : std::filesystem::path(__FILE__).parent_path() / "../..";
        std::ifstream in(root / "data/search/cases.json");
        return json::parse(in);
    }();
    return cases;
}

std::size_t place_in(std::vector<std::string> const& words, std::string const& word) {
    return static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin());
}

std::vector<searched_host> searched_hosts() {
    std::vector<searched_host> out;
    auto const& rows = search_cases()["hosts"];
    out.reserve(rows.size());
    for (auto const& row : rows) {
        auto& h = out.emplace_back();
        h.id = row["id"];
        h.name = row["name"];
        h.region = row["region"];
        h.os = row["os"];
        h.tags = row["tags"].get<std::vector<std::string>>();
        auto& s = h.subject;
        s.id = h.id;
        s.name = h.name;
        s.region = h.region;
        s.os = h.os;
        s.tags = h.tags;
        s.state = static_cast<host_state>(
            place_in({"ok", "warn", "crit", "stale", "offline"}, row["state"]));
        for (auto const& f : row["flags"])
            s.flags = static_cast<std::uint8_t>(s.flags |
                                                1u << place_in({"dup", "muted", "flapping"}, f));
        for (std::size_t i = 0; i < search_metrics.size(); ++i)
            if (auto const& v = row[std::string(search_metrics[i])]; v.is_number())
                s.values[i] = v;
    }
    return out;
}

} // namespace

TEST_CASE("searches find the hosts that the shared rows say") {
    auto const hosts = searched_hosts();
    REQUIRE(search_cases()["matches"].size() > 100);
    for (auto const& row : search_cases()["matches"]) {
        auto const text = row["search"].get<std::string>();
        INFO(text);
        auto const s = parse_search(text);
        REQUIRE(s.has_value());
        CHECK(s->text() == text);
        std::vector<std::string> found;
        for (auto const& h : hosts)
            if (s->matches(h.subject))
                found.push_back(h.id);
        CHECK(found == row["ids"].get<std::vector<std::string>>());
    }
}

TEST_CASE("what is wrong with a search is said with its place") {
    for (auto const& row : search_cases()["errors"]) {
        INFO(row.dump());
        auto const s = parse_search(row["search"].get<std::string>());
        REQUIRE(s.has_error());
        CHECK(to_string(s.error().error) == row["error"].get<std::string>());
        CHECK(s.error().at == row["at"].get<std::size_t>());
        CHECK(s.error().message().starts_with("position " + std::to_string(s.error().at + 1)));
    }
}

TEST_CASE("a search has 1,024 characters at most") {
    CHECK(parse_search(std::string(1'024, 'x')).has_value());
    auto const s = parse_search(std::string(1'025, 'x'));
    REQUIRE(s.has_error());
    CHECK(s.error().error == search_error::too_long);
    std::string wide;
    for (int i = 0; i < 1'024; ++i)
        wide += "ö";
    CHECK(parse_search(wide).has_value());
}

TEST_CASE("an empty search matches a host of which nothing is known") {
    CHECK(search().matches({}));
    CHECK(search().empty());
    CHECK(parse_search("  ")->empty());
    CHECK_FALSE(parse_search("cpu>=0")->matches({}));
    CHECK(parse_search("-cpu>=0")->matches({}));
}
