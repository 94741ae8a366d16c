// What the kernel allows: a bare epoll server that answers the scenarios of the benches with
// frames made once and with no more protocol than they need. It checks next to nothing, so it is
// a bound to compare with, not a server.
//
//   bench_floor [--listen 127.0.0.1:PORT] [--batch]
//
// Plain: one `send` per frame and receiver. --batch: what a turn of the loop produced for a
// receiver leaves in one `send`.

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace std::string_view_literals;

std::string frame(std::string_view payload) {
    std::string out(1, '\x81');
    if (payload.size() < 126) {
        out += static_cast<char>(payload.size());
    } else {
        out += '\x7e'; // longer than 65,535 does not occur here
        out += static_cast<char>(payload.size() >> 8);
        out += static_cast<char>(payload.size());
    }
    return out.append(payload);
}

std::string ok(std::string_view body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string open_packet(std::string_view sid) {
    return R"(0{"sid":")" + std::string(sid) +
           R"(","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})";
}

std::string digits(std::size_t number, std::size_t count) {
    auto const text = std::to_string(number);
    return std::string(count - std::min(count, text.size()), '0') + text;
}

/// Nobody's but this process's, so that several of them can stand behind one proxy.
std::string const sid_prefix = digits(static_cast<std::size_t>(::getpid()) % 1'000'000, 6);
constexpr std::size_t sid_digits = 14; ///< behind it: the number of the session

constexpr auto connected = R"(40{"sid":"AAAAAAAAAAAAAAAAAAAA"})"sv;
std::string const connected_frame = frame(connected);
// The load sends the key of RFC 6455's example, so its answer needs no digest.
std::string const upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" +
                             frame(open_packet("AAAAAAAAAAAAAAAAAAAA"));
std::string const accepted = ok("ok");
constexpr auto sample = R"(42["client_healthcheck",)"sv;
constexpr auto nothing_here = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"sv;

/// Whatever a connection holds beyond its descriptor; an idle one holds two empty strings.
struct connection {
    std::string in, out;
    bool is_websocket = false;
    bool dirty = false;
    bool waits_to_write = false;
};

struct polling_session {
    std::string queue; ///< packets parted by \x1e
    int poll = -1;     ///< the connection that waits for them
};

class server {
  public:
    server(bool batch, std::string_view host, std::uint16_t port)
        : batch_(batch) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        socklen_t size = sizeof at;
        int const on = 1;
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::inet_pton(AF_INET, std::string(host).c_str(), &at.sin_addr) != 1 ||
            ::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
            ::listen(listener_, 4096) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
            std::perror("bench_floor: listen");
            std::exit(1);
        }
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
        std::printf("ready %s http://%.*s:%u\n", batch_ ? "floor-batch" : "floor",
                    static_cast<int>(host.size()), host.data(), unsigned{ntohs(at.sin_port)});
        std::fflush(stdout);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 256> events{};
        for (;;) {
            int const ready = ::epoll_wait(epoll_, events.data(), events.size(), -1);
            for (int i = 0; i < ready; ++i) {
                auto const& event = events[static_cast<std::size_t>(i)];
                int const fd = event.data.fd;
                if (fd == listener_) {
                    accept_all();
                    continue;
                }
                if ((event.events & EPOLLOUT) != 0)
                    flush(fd);
                if ((event.events & ~EPOLLOUT) != 0)
                    read(fd);
            }
            for (int const fd : dirty_) {
                connections_[static_cast<std::size_t>(fd)].dirty = false;
                flush(fd);
            }
            dirty_.clear();
        }
    }

  private:
    connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    void watch(int fd, int how, std::uint32_t what) {
        epoll_event event{};
        event.events = what;
        event.data.fd = fd;
        ::epoll_ctl(epoll_, how, fd, &event);
    }

    void accept_all() {
        for (int i = 0; i < 64; ++i) {
            int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                return;
            int const on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (connections_.size() <= static_cast<std::size_t>(fd))
                connections_.resize(static_cast<std::size_t>(fd) + 1);
            watch(fd, EPOLL_CTL_ADD, EPOLLIN);
        }
    }

    void close(int fd) {
        ::close(fd);
        auto& c = at(fd);
        bool const dirty = c.dirty; // it stays in the list until the end of the turn
        c = {};
        c.dirty = dirty;
        for (auto* const list : {&members_, &consoles_}) {
            auto const found = std::find(list->begin(), list->end(), fd);
            if (found == list->end())
                continue;
            *found = list->back();
            list->pop_back();
        }
    }

    void send(int fd, std::string_view bytes) {
        auto& c = at(fd);
        if (!batch_ && !c.waits_to_write) {
            auto const sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent == static_cast<ssize_t>(bytes.size()))
                return;
            bytes.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
        }
        c.out += bytes;
        if (!c.dirty && !c.waits_to_write) {
            c.dirty = true;
            dirty_.push_back(fd);
        }
    }

    void flush(int fd) {
        auto& c = at(fd);
        if (c.out.empty())
            return;
        auto const sent = ::send(fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            c.out.clear();
            return;
        }
        c.out.erase(0, sent > 0 ? static_cast<std::size_t>(sent) : 0);
        if (c.waits_to_write != !c.out.empty()) {
            c.waits_to_write = !c.out.empty();
            watch(fd, EPOLL_CTL_MOD, c.waits_to_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
        }
    }

    void read(int fd) {
        auto const got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            close(fd);
            return;
        }
        auto& c = at(fd);
        std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
        std::string whole;
        if (!c.in.empty()) {
            whole = std::move(c.in) + std::string(bytes);
            bytes = whole;
        }
        auto const used = c.is_websocket ? take_frames(fd, bytes) : take_requests(fd, bytes);
        if (used == std::string_view::npos)
            close(fd);
        else
            at(fd).in = std::string(bytes.substr(used));
    }

    /// What was used of `bytes`; npos: the client leaves.
    std::size_t take_frames(int fd, std::string_view bytes) {
        std::size_t used = 0;
        auto const byte = [&](std::size_t i) {
            return static_cast<unsigned char>(bytes[used + i]);
        };
        while (bytes.size() - used >= 6) {
            std::size_t length = byte(1) & 0x7f;
            std::size_t header = 6;
            if (length == 126) {
                header = 8;
                length = std::size_t{byte(2)} << 8 | byte(3);
            }
            if (bytes.size() - used < header + length)
                break;
            if ((byte(0) & 0x0f) == 8)
                return std::string_view::npos;
            payload_.assign(bytes.substr(used + header, length));
            for (std::size_t i = 0; i < length; ++i)
                payload_[i] = static_cast<char>(payload_[i] ^ bytes[used + header - 4 + i % 4]);
            take_packet(fd, payload_);
            used += header + length;
        }
        return used;
    }

    void take_packet(int fd, std::string_view packet) {
        if (auto const ack = ack_of(packet); !ack.empty()) {
            send(fd, frame(ack));
        } else if (packet.substr(0, 10) == R"(42["bcast")"sv) {
            auto const out = frame(R"(42["bcast-out")" + std::string(packet.substr(10)));
            for (int const member : members_)
                send(member, out);
        } else if (packet.substr(0, sample.size()) == sample) {
            auto const out =
                frame(R"(42["web_client_update")" + std::string(packet.substr(sample.size() - 1)));
            for (int const console : consoles_)
                send(console, out);
        } else if (packet == R"(42["web_connected"])") {
            consoles_.push_back(fd);
        } else if (packet == "40") {
            members_.push_back(fd);
            send(fd, connected_frame);
        }
    }

    /// `42<id>["echo",x]` gives `43<id>[x]`, anything else nothing.
    static std::string ack_of(std::string_view packet) {
        constexpr auto name = R"(["echo",)"sv;
        auto const begin = packet.find('[');
        if (packet.substr(0, 2) != "42" || begin == std::string_view::npos ||
            packet.substr(begin, name.size()) != name)
            return {};
        std::string made = "43";
        made.append(packet.substr(2, begin - 2)).append("[");
        return made.append(packet.substr(begin + name.size()));
    }

    std::size_t take_requests(int fd, std::string_view bytes) {
        std::size_t used = 0;
        for (;;) {
            auto const rest = bytes.substr(used);
            auto const end = rest.find("\r\n\r\n");
            if (end == std::string_view::npos)
                return used;
            auto const line = rest.substr(0, rest.find('\r'));
            if (line.find("transport=websocket") != std::string_view::npos) {
                at(fd).is_websocket = true;
                send(fd, upgraded);
                return used + end + 4;
            }
            auto const length = body_length(rest.substr(0, end));
            if (rest.size() < end + 4 + length)
                return used;
            take_polling(fd, line, rest.substr(end + 4, length));
            used += end + 4 + length;
        }
    }

    /// As clients write the field, or as proxies do.
    static std::size_t body_length(std::string_view head) {
        for (auto const field : {"Content-Length: "sv, "content-length: "sv}) {
            std::size_t length = 0;
            auto const at_field = head.find(field);
            if (at_field == std::string_view::npos)
                continue;
            std::from_chars(head.data() + at_field + field.size(), head.data() + head.size(),
                            length);
            return length;
        }
        return 0;
    }

    void take_polling(int fd, std::string_view line, std::string_view body) {
        constexpr auto field = "&sid="sv;
        auto const at_sid = line.find(field);
        if (at_sid == std::string_view::npos) {
            if (line.find("transport=") == std::string_view::npos) {
                send(fd, nothing_here); // a proxy asks for the health of a node
                return;
            }
            send(fd, ok(open_packet(sid_prefix + digits(polling_.size(), sid_digits))));
            polling_.emplace_back();
            return;
        }
        std::size_t sid = 0;
        auto const number =
            line.substr(std::min(at_sid + field.size() + sid_prefix.size(), line.size()));
        std::from_chars(number.data(), number.data() + number.size(), sid);
        if (sid >= polling_.size())
            return;
        auto& session = polling_[sid];
        if (line.substr(0, 4) == "GET ") {
            session.poll = fd;
        } else {
            auto const out = body == "40" ? std::string(connected) : ack_of(body);
            if (!session.queue.empty() && !out.empty())
                session.queue += '\x1e';
            session.queue += out;
            send(fd, accepted);
        }
        if (session.poll >= 0 && !session.queue.empty()) {
            send(session.poll, ok(session.queue));
            session = {};
        }
    }

    bool batch_;
    int listener_ = -1;
    int epoll_ = -1;
    std::vector<connection> connections_; ///< by descriptor
    std::vector<int> members_;            ///< who gets broadcasts
    std::vector<int> consoles_;           ///< who gets what agents send
    std::vector<int> dirty_;
    std::vector<polling_session> polling_; ///< by sid
    std::string payload_;
    std::array<char, 65'536> buffer_{};
};

} // namespace

int main(int argc, char** argv) {
    bool batch = false;
    std::string_view listen = "127.0.0.1:0";
    for (int i = 1; i < argc; ++i) {
        if (argv[i] == "--batch"sv)
            batch = true;
        else if (argv[i] == "--listen"sv && i + 1 < argc)
            listen = argv[++i];
    }
    auto const colon = listen.find(':');
    std::uint16_t port = 0;
    if (colon == std::string_view::npos ||
        std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), port).ec !=
            std::errc{}) {
        std::fputs("usage: bench_floor [--listen 127.0.0.1:PORT] [--batch]\n", stderr);
        return 2;
    }
    static server floor(batch, listen.substr(0, colon), port);
    floor.run();
}
