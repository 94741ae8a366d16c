#ifndef MAD_BENCH_LOAD_LOOP_HPP
#define MAD_BENCH_LOAD_LOOP_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Ends the run: the server did something that makes the figure worthless.
struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Where the server listens, and how many addresses 127.0.0.1, 127.0.0.2, … the load comes from.
struct target {
    std::uint32_t address = 0; ///< IPv4, host order
    std::uint16_t port = 0;
    unsigned sources = 1;
    int receive_buffer = 0; ///< of a connection to it, in bytes; 0: as the kernel likes
    std::string host;       ///< as the Host header wants it

    /// Reads `http://A.B.C.D:PORT`; throws `failure` for anything else.
    static target parse(std::string_view url);
};

class loop;

/// One TCP connection. Owned by its loop from `loop::adopt` until it is closed.
class stream {
  public:
    virtual ~stream();
    stream(stream const&) = delete;
    stream& operator=(stream const&) = delete;

    /// Queues bytes; they leave together when the stream or the turn has been dealt with.
    void send(std::string_view bytes);
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  protected:
    stream() = default;
    /// The connection is being made; what is sent now leaves first.
    virtual void on_dialled() = 0;
    /// Takes what it can from the front of `bytes` and says how many it took; the rest comes again.
    virtual std::size_t on_bytes(std::string_view bytes) = 0;
    /// The server closed or reset the connection.
    virtual void on_end() = 0;

  private:
    friend class loop;
    loop* loop_ = nullptr;
    int fd_ = -1;
    bool dirty_ = false;
    bool waits_to_write_ = false;
    std::size_t slot_ = 0;
    std::string in_;
    std::string out_;
};

/// Plain epoll, level-triggered, one thread. A turn reads once from each ready stream.
class loop {
  public:
    loop();
    ~loop();
    loop(loop const&) = delete;
    loop& operator=(loop const&) = delete;

    /// Starts connecting `s` to the server, from the next source address in turn.
    void adopt(std::unique_ptr<stream> s, target const& to);
    /// Gives `s` a new connection; what is sent from now on leaves on it.
    void redial(stream& s, target const& to);
    /// Closes at once. The object lives on until the end of the turn.
    void close(stream& s);
    /// The same with a reset, as when a host is lost: nothing queued leaves.
    void reset(stream& s);
    /// Leaves `s` open and reads nothing more from it.
    void ignore(stream& s);
    /// Waits at most `timeout_ms` and serves what is ready.
    void turn(int timeout_ms) { turn_until(timeout_ms * std::int64_t{1'000'000}); }
    /// The same with a time in nanoseconds, for messages that are due at a time.
    void turn_until(std::int64_t timeout_ns);
    [[nodiscard]] std::size_t size() const { return streams_.size(); }

  private:
    friend class stream;
    void flush(stream& s);
    void flush_dirty();
    void read(stream& s);
    void connect(stream& s, target const& to);
    void watch(stream& s, bool writing);

    int epoll_;
    std::uint64_t dialled_ = 0;
    std::vector<std::unique_ptr<stream>> streams_;
    std::vector<std::unique_ptr<stream>> dead_;
    std::vector<stream*> dirty_;
    std::vector<char> buffer_;
};

} // namespace bench

#endif
