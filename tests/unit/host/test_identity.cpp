#include "support.hpp"

#include <support/print_result.hpp>

#include <mad/host/client_id.hpp>
#include <mad/host/error.hpp>
#include <mad/host/identity.hpp>

#include <algorithm>
#include <span>

#include <sys/stat.h>

using namespace host_test;
using mad::host::client_id_settings;
using mad::host::error;
using mad::host::find_client_id;
using mad::host::id_from_machine_id;
using mad::host::id_origin;
using mad::host::read_identity;

namespace {

host::roots below(tree const& t) {
    auto r = t.roots();
    r.root = t.path("root");
    return r;
}

} // namespace

TEST_CASE("identity from the trees") {
    tree t;
    t.put("proc/sys/kernel/hostname", "container\n")
        .put("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n")
        .put("proc/sys/kernel/random/boot_id", "0b7f1c2e-7c8e-4a52-9a4e-6d1a3b1f0c11\n")
        .put("proc/stat", "cpu 1 2 3 4\ncpu0 1 2 3 4\ncpu3 1 2 3 4\nbtime 1763135787\n")
        .put("proc/meminfo", "MemTotal: 16384000 kB\n")
        .put("root/etc/hostname", "web-042\n")
        .put("root/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
    auto who = read_identity(below(t));
    CHECK(who.host == "web-042");
    CHECK(who.os == "Debian GNU/Linux 12 (bookworm)");
    CHECK(who.kernel == "6.1.0-18-amd64");
    CHECK_FALSE(who.arch.empty());
    CHECK(who.boot_id == "0b7f1c2e-7c8e-4a52-9a4e-6d1a3b1f0c11");
    CHECK(who.scope == "host");
    CHECK(who.cpus == 2u);
    CHECK(who.memory == std::uint64_t{16384000} * 1024);
    CHECK(who.boot_s == 1763135787u);

    t.drop("root/etc/hostname").drop("root/etc/os-release");
    t.put("root/usr/lib/os-release", "NAME=Void\n");
    who = read_identity(below(t));
    CHECK(who.host == "container");
    CHECK(who.os == "Void");
}

TEST_CASE("without a root given the kernel's own name counts, not the file") {
    tree t;
    t.put("proc/sys/kernel/hostname", "renamed-since\n");
    CHECK(read_identity(t.roots()).host == "renamed-since");
}

TEST_CASE("empty trees leave what only they know absent") {
    tree t;
    auto const who = read_identity(below(t));
    CHECK(who.os == "Linux");
    CHECK_FALSE(who.host.empty()); // the system call knows
    CHECK_FALSE(who.kernel.empty());
    CHECK(who.boot_id.empty());
    CHECK_FALSE(who.cpus);
    CHECK_FALSE(who.memory);
    CHECK_FALSE(who.boot_s);
}

TEST_CASE("ids that servers take") {
    CHECK(mad::host::is_client_id("web-042"));
    CHECK(mad::host::is_client_id(std::string(128, 'x')));
    CHECK(mad::host::is_client_id("caf\xc3\xa9 1"));
    for (std::string const& bad :
         {std::string(), std::string(129, 'x'), std::string("a\nb"), std::string("a\0b", 3),
          std::string("\x7f"), std::string("\xff")})
        CHECK_FALSE(mad::host::is_client_id(bad));
}

TEST_CASE("a machine id becomes another id, always the same") {
    auto const id = id_from_machine_id("0123456789abcdef0123456789abcdef");
    // HMAC-SHA-1 of the machine id under the key "mad.host.client_id.v1", first 16 bytes.
    CHECK(id == "fc7bff8452af37621805e9eb199231dc");
    CHECK(id != id_from_machine_id("1123456789abcdef0123456789abcdef"));
    for (std::string const& bad :
         {std::string(), std::string("uninitialized"), std::string(32, '0'), std::string(31, 'a'),
          std::string(33, 'a'), std::string(32, 'g'), std::string(32, 'A')})
        CHECK(id_from_machine_id(bad).empty());
}

TEST_CASE("configured, then saved, then the machine's, then a random one that is saved") {
    tree t;
    client_id_settings s;
    s.where = below(t);
    s.state_file = t.path("state/id");
    s.random = [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), 0xab); };
    fs::create_directories(t.path("state"));

    auto id = find_client_id(s);
    REQUIRE(id);
    CHECK(id->origin == id_origin::random);
    CHECK(id->value == "abababababababababababababababab");
    CHECK(id->kept);
    CHECK(slurp(t.path("state/id")) == "abababababababababababababababab\n");
    struct ::stat st {};
    REQUIRE(::stat(t.path("state/id").c_str(), &st) == 0);
    CHECK((st.st_mode & 0777) == 0600);
    CHECK_FALSE(fs::exists(t.path("state/id.new")));

    s.random = [](std::span<std::uint8_t>) { FAIL("drawn although saved"); };
    id = find_client_id(s);
    CHECK(id->origin == id_origin::saved);
    CHECK(id->value == "abababababababababababababababab");

    t.put("root/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    CHECK(find_client_id(s)->origin == id_origin::saved);
    t.put("state/id", "\x01 is no id\n");
    id = find_client_id(s);
    CHECK(id->origin == id_origin::machine);
    CHECK(id->value == id_from_machine_id("0123456789abcdef0123456789abcdef"));
    CHECK(id->value.find("0123456789abcdef") == std::string::npos);

    s.configured = "web-042";
    id = find_client_id(s);
    CHECK(id->origin == id_origin::configured);
    CHECK(id->value == "web-042");
    s.configured = "two\nlines";
    auto const refused = find_client_id(s);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == error::bad_client_id);
}

TEST_CASE("the older place of the machine id, and images without one") {
    tree t;
    client_id_settings s;
    s.where = below(t);
    t.put("root/var/lib/dbus/machine-id", "fedcba9876543210fedcba9876543210\n");
    CHECK(find_client_id(s)->origin == id_origin::machine);
    t.put("root/etc/machine-id", "uninitialized\n").drop("root/var/lib/dbus/machine-id");
    auto const id = find_client_id(s);
    CHECK(id->origin == id_origin::random);
    CHECK(id->value.size() == 32);
    CHECK_FALSE(id->kept); // nowhere to save it
    CHECK(id->value != find_client_id(s)->value);
    s.state_file = t.path("no/such/directory/id");
    CHECK_FALSE(find_client_id(s)->kept);
}
