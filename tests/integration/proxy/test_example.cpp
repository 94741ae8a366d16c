#include "proxy_world.hpp"

#include <cstdio>
#include <memory>

#include <csignal>
#include <sys/wait.h>

using namespace mad_test;

#if defined(MAD_EXAMPLE_PROXY)

namespace {

/// The example at work; ended with this object.
struct example_program {
    explicit example_program(std::string const& upstream) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            ::dup2(ends[1], 1);
            ::execl(MAD_EXAMPLE_PROXY, MAD_EXAMPLE_PROXY, "0", upstream.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        out = std::unique_ptr<FILE, int (*)(FILE*)>(::fdopen(ends[0], "r"), ::fclose);
    }
    ~example_program() { end(); }

    std::string line() {
        char text[512] = {};
        return std::fgets(text, sizeof text, out.get()) ? text : "";
    }

    int end() {
        int status = 0;
        if (pid > 0) {
            ::kill(pid, SIGTERM);
            ::waitpid(std::exchange(pid, -1), &status, 0);
        }
        return status;
    }

    pid_t pid = -1;
    std::unique_ptr<FILE, int (*)(FILE*)> out{nullptr, ::fclose};
};

} // namespace

TEST_CASE("the example stands before a node, and tells of it in the end") {
    raw_node node;
    example_program program(node.url());
    auto const ready = program.line();
    REQUIRE(ready.starts_with("ready proxy http://127.0.0.1:"));
    auto const port = static_cast<std::uint16_t>(std::stoi(ready.substr(ready.rfind(':') + 1)));
    // Until the node has been found to be up.
    REQUIRE(wait_until([&] {
        raw_client c(port);
        c.send(get(poll_path));
        if (!wait_until([&] { return !node.nobody_waits(); }, 200ms))
            return false;
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        n.send(ok(open_packet("abc")));
        return c.answer().body == open_packet("abc");
    }));
    CHECK(program.end() == 0);
    CHECK(program.line().find(": 1 sessions") != std::string::npos);
}

#endif
