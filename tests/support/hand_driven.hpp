#ifndef MAD_TESTS_SUPPORT_HAND_DRIVEN_HPP
#define MAD_TESTS_SUPPORT_HAND_DRIVEN_HPP

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A world of one thread in which nothing happens by itself: the clock stands until it is advanced,
/// connections are pairs of unix sockets, and one I/O operation of the code under test can be made
/// to fail. A program that has it is linked with hand_driven.cpp and its `--wrap` options, see
/// hand_driven.cmake.
namespace mad_test::hand {

/// Moves `steady_clock` (and CLOCK_MONOTONIC_COARSE of what is wrapped).
void advance_clock(std::chrono::milliseconds);

/// How an operation fails.
enum class fault {
    reset,   ///< ECONNRESET, and the connection is dead
    broken,  ///< EPIPE, and the connection is dead
    buffers, ///< ENOBUFS, this once
    ended,   ///< the peer's end; what writes gets EPIPE
    later,   ///< EAGAIN, this once
    one,     ///< one byte moves, no more
    memory,  ///< ENOMEM also where nothing moves: registering, opening; else as `reset`
};
inline constexpr fault every_fault[] = {fault::reset, fault::broken, fault::buffers, fault::ended,
                                        fault::later, fault::one,    fault::memory};
char const* name_of(fault);

/// From here on the `n`-th operation (from 1) fails; 0: none does.
void spoil(std::size_t n, fault = fault::reset);
/// No more of it; `spoilt` stays what it is.
void stop_spoiling();
/// Whether it has come to that.
bool spoilt();

/// Counts and spoils while one lives: the harness's own operations stay outside.
class under_test {
  public:
    under_test();
    ~under_test();
    under_test(under_test const&) = delete;

  private:
    bool before_;
};

/// The far end of a connection of the code under test. Never waits.
class peer {
  public:
    explicit peer(int fd = -1)
        : fd_(fd) {}
    peer(peer&& o) noexcept
        : received(std::move(o.received))
        , ended(o.ended)
        , fd_(std::exchange(o.fd_, -1)) {}
    peer& operator=(peer&& o) noexcept {
        std::swap(fd_, o.fd_);
        std::swap(received, o.received);
        std::swap(ended, o.ended);
        return *this;
    }
    ~peer() { close(); }

    bool is_open() const { return fd_ >= 0; }
    /// Sends what fits; the rest is lost.
    void send(std::string_view);
    /// Takes what has come.
    void read();
    void half_close();
    void close();

    std::string received;
    bool ended = false; ///< the other side has closed

  private:
    int fd_;
};

/// A listening socket for `adopt`; the server owns it. It claims to be 127.0.0.1:80.
int listening_socket();
/// A new connection to the listening socket that was made last.
peer connect_to_listener();

/// From here on what the code under test connects to is that listening socket.
void connect_calls_to_listener(bool);

/// The connections that the code under test has opened since the last call, oldest first.
std::vector<peer> take_calls();

/// Gives up what connected to nobody, and closes what the listening socket still has.
void forget_connections();

/// Descriptors of this process that are open, of the first 512.
std::size_t open_descriptors();

/// Runs what is ready until nothing is. False: it never comes to rest.
bool settle(boost::asio::io_context&, std::size_t most_handlers = 100'000);

} // namespace mad_test::hand

#endif
