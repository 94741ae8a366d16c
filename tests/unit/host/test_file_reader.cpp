#include "support.hpp"

#include <mad/host/error.hpp>
#include <mad/host/file_reader.hpp>

#include <utility>

#include <fcntl.h>
#include <unistd.h>

using namespace host_test;
using mad::host::file_reader;
using mad::host::first_line_of;
using mad::host::read_buffer;
using mad::host::read_once;

namespace {

std::string text_of(mad::result<std::string_view> const& r) {
    return r ? std::string(*r) : "error: " + std::to_string(r.error().value());
}

int open_files() {
    int n = 0;
    for ([[maybe_unused]] auto const& e : fs::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

} // namespace

TEST_CASE("a file is opened once and read from its start each time") {
    tree t;
    t.put("f", "one\n");
    read_buffer buffer;
    file_reader r(t.path("f"));
    CHECK(r.fd() == -1);
    CHECK(text_of(r.read(buffer)) == "one\n");
    auto const fd = r.fd();
    CHECK(fd >= 0);
    t.put("f", "two and more\n");
    CHECK(text_of(r.read(buffer)) == "two and more\n");
    t.put("f", "");
    CHECK(text_of(r.read(buffer)).empty());
    CHECK(r.fd() == fd);
}

TEST_CASE("the buffer grows until the file fits, and stays so") {
    tree t;
    auto const size = GENERATE(0u, 1u, 15u, 16u, 17u, 31u, 32u, 33u, 1000u);
    CAPTURE(size);
    std::string const text(size, 'x');
    t.put("f", text);
    read_buffer buffer(16);
    file_reader r(t.path("f"));
    CHECK(text_of(r.read(buffer)) == text);
    auto const grown = buffer.size();
    CHECK(grown > size);
    CHECK(text_of(r.read(buffer)) == text);
    CHECK(buffer.size() == grown);
}

TEST_CASE("a file that is no file of the kernel is refused") {
    tree t;
    t.put("f", "");
    fs::resize_file(t.path("f"), mad::host::max_file_bytes + 1);
    read_buffer buffer;
    auto const r = file_reader(t.path("f")).read(buffer);
    REQUIRE_FALSE(r);
    CHECK(r.error() == mad::host::error::file_too_large);
}

TEST_CASE("what the system says is the error") {
    tree t;
    read_buffer buffer;
    file_reader missing(t.path("missing"));
    CHECK(missing.read(buffer).error() ==
          mad::error_code(ENOENT, boost::system::system_category()));
    CHECK(file_reader(t.path()).read(buffer).error().value() == EISDIR);
    // It may come later.
    t.put("missing", "here");
    CHECK(text_of(missing.read(buffer)) == "here");
}

TEST_CASE("a descriptor that went bad is opened anew") {
    tree t;
    t.put("f", "still here");
    read_buffer buffer;
    file_reader r(t.path("f"));
    REQUIRE(r.read(buffer));
    ::close(r.fd()); // EBADF, as after a careless close elsewhere
    CHECK(text_of(r.read(buffer)) == "still here");
    ::close(r.fd());
    t.drop("f");
    CHECK(r.read(buffer).error().value() == ENOENT);
}

TEST_CASE("a reader owns its descriptor, also when it moves") {
    tree t;
    t.put("f", "f").put("g", "g");
    auto const before = open_files();
    {
        read_buffer buffer;
        file_reader a(t.path("f")), b(t.path("g"));
        REQUIRE(a.read(buffer));
        REQUIRE(b.read(buffer));
        file_reader c(std::move(a));
        CHECK(a.fd() == -1);
        CHECK(text_of(c.read(buffer)) == "f");
        b = std::move(c);
        CHECK(b.path() == t.path("f"));
        CHECK(text_of(b.read(buffer)) == "f");
        CHECK(open_files() == before + 1);
    }
    CHECK(open_files() == before);
}

TEST_CASE("a file of the kernel in many records comes whole through a small buffer") {
    read_buffer small(64), large(1 << 20);
    file_reader a("/proc/self/mountinfo"), b("/proc/self/mountinfo");
    auto const first = text_of(a.read(small));
    CHECK(first.size() > 64);
    CHECK(first == text_of(b.read(large)));
}

TEST_CASE("reading once takes what fits and leaves nothing open") {
    tree t;
    t.put("f", "0123456789");
    auto const before = open_files();
    read_buffer small(4), buffer;
    CHECK(text_of(read_once(t.path("f").c_str(), small)) == "0123");
    CHECK(text_of(read_once(t.path("f").c_str(), buffer)) == "0123456789");
    CHECK_FALSE(read_once(t.path("none").c_str(), buffer));
    CHECK_FALSE(read_once(t.path().c_str(), buffer));
    CHECK(open_files() == before);
}

TEST_CASE("the first line with anything in it, of the first file that has one") {
    tree t;
    t.put("empty", "").put("blank", " \t\n").put("name", "  web-042 \r\nmore\n").put("bare", "x");
    read_buffer buffer;
    CHECK(first_line_of({t.path("none"), t.path("empty"), t.path("blank"), t.path("name")},
                        buffer) == "web-042");
    CHECK(first_line_of({t.path("bare"), t.path("name")}, buffer) == "x");
    CHECK(first_line_of({t.path("none")}, buffer).empty());
}

TEST_CASE("errors have a category and a text each") {
    using mad::host::error;
    for (auto e : {error::none, error::file_too_large, error::bad_client_id}) {
        mad::error_code const code = e;
        CHECK(code.category() == mad::host::category());
        CHECK(std::string(code.category().name()) == "mad.host");
        CHECK(code.message() != "unknown host error");
    }
    CHECK(mad::host::category().message(99) == "unknown host error");
}
