#ifndef MAD_BINDINGS_SERVER_HOST_HPP
#define MAD_BINDINGS_SERVER_HOST_HPP

#include "letters.hpp"

#include <mad/socketio/server.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace mad_python {

/// Where what happens is told: plain handlers have inboxes of their own, in each of which the
/// events of one socket keep their order; coroutines have that of a loop.
struct mailroom {
    std::vector<std::shared_ptr<inbox>> plain; // filled before it listens
    std::shared_ptr<inbox> loop = std::make_shared<inbox>();
    std::atomic<bool> loop_used{false};
    std::shared_ptr<gate> room = std::make_shared<gate>();

    inbox& of(std::string_view socket_id, bool coroutine) const;
    void tell_gone(std::string_view socket_id) const;
};

/// A peer, from its first word to its last.
class server_socket {
  public:
    server_socket(std::shared_ptr<lifeline const> line, std::shared_ptr<mailroom const> mail,
                  mad::socketio::socket s, mad::socketio::next next)
        : line_(std::move(line))
        , mail_(std::move(mail))
        , socket_(s)
        , next_(std::move(next)) {}

    std::string id() const { return std::string(socket_.id()); }
    void accept();
    void refuse(std::string message, std::optional<pybind11::object> data);
    void emit(std::string event, pybind11::tuple const& values, bool is_volatile);
    void call(std::shared_ptr<inbox> box, std::uint64_t token, std::string event,
              pybind11::tuple const& values, double timeout);
    pybind11::tuple call_blocking(std::string event, pybind11::tuple const& values, double timeout);
    void join(std::vector<std::string> rooms);
    void leave(std::string room);
    void disconnect(bool close);

  private:
    void submit(std::function<void()> fn);
    void ask(mad::socketio::ack_callback, std::string event, pybind11::tuple const& values,
             double timeout);

    std::shared_ptr<lifeline const> line_;
    std::shared_ptr<mailroom const> mail_;
    mad::socketio::socket socket_;
    mad::socketio::next next_;
    // What is sent before the peer has been let in is told it after that.
    std::vector<std::function<void()>> held_;
    bool accepted_ = false;
};

/// Who is meant: a namespace, rooms (all of it when there are none), and rooms that are not meant.
using audience = std::tuple<std::string, std::vector<std::string>, std::vector<std::string>>;

struct server_options {
    mad::socketio::server_settings settings;
    boost::asio::ip::tcp::endpoint listen;
    std::size_t threads = 1;
};

/// A Socket.IO server with threads of its own, none of which ever takes Python's lock.
class server_host {
  public:
    explicit server_host(server_options);
    ~server_host();
    server_host(server_host const&) = delete;
    server_host& operator=(server_host const&) = delete;

    /// One more inbox for plain handlers.
    std::shared_ptr<inbox> add_inbox();
    std::shared_ptr<inbox> loop_inbox();

    /// Opens a namespace; `coroutine`: where its connecting sockets are told from now on.
    void open(std::string const& nsp, bool coroutine);
    /// Events of that name go to `handler` from now on; the empty name: those that have no handler.
    void handle(std::string const& nsp, std::string const& event, std::uint64_t handler,
                bool coroutine);

    void start();
    void stop(double drain);
    std::string const& url() const { return url_; }
    bool running() const;
    std::size_t sessions() const;
    void handled(std::size_t events) { mail_->room->handled(events); }

    void emit(audience const&, std::string event, pybind11::tuple const& values, bool is_volatile,
              bool compress);
    void call(std::shared_ptr<inbox> box, std::uint64_t token, audience const&, std::string event,
              pybind11::tuple const& values, double timeout);
    pybind11::list call_blocking(audience const&, std::string event, pybind11::tuple const& values,
                                 double timeout);
    void fetch(std::shared_ptr<inbox> box, std::uint64_t token, audience const&);
    pybind11::list fetch_blocking(audience const&);
    void join(audience const&, std::vector<std::string> rooms);
    void leave(audience const&, std::vector<std::string> rooms);
    void disconnect(audience const&, bool close);

    // Other nodes.
    void handle_server_side(std::string const& nsp, std::string const& event, std::uint64_t handler,
                            bool coroutine);
    void server_side_emit(std::string const& nsp, std::string event, pybind11::tuple const& values);
    void server_side_call(std::shared_ptr<inbox> box, std::uint64_t token, std::string const& nsp,
                          std::string event, pybind11::tuple const& values, double timeout);
    pybind11::list server_side_call_blocking(std::string const& nsp, std::string event,
                                             pybind11::tuple const& values, double timeout);

  private:
    /// Who gets an event; changed while shards read it.
    struct route {
        std::atomic<std::uint64_t> handler{0};
        std::atomic<bool> coroutine{false};
    };

    mad::socketio::broadcast_operator target(audience const&) const;
    void ask(answers_callback, audience const&, std::string event, pybind11::tuple const& values,
             double timeout);
    void find(found_callback, audience const&);
    void ask_nodes(answers_callback, std::string const& nsp, std::string event,
                   pybind11::tuple const& values, double timeout);
    bool elsewhere() const;

    std::shared_ptr<mailroom> mail_ = std::make_shared<mailroom>();
    std::unique_ptr<mad::net::io_pool> pool_; // stopped before the server dies, dies after it
    std::unique_ptr<mad::socketio::server> server_;
    std::shared_ptr<lifeline> line_;
    std::map<std::pair<std::string, std::string>, std::shared_ptr<route>> routes_, node_routes_;
    std::map<std::string, std::shared_ptr<std::atomic<bool>>> opened_;
    boost::asio::ip::tcp::endpoint listen_;
    std::string url_;
    bool secure_ = false, started_ = false;
    std::atomic<bool> stopping_{false};
    ::pid_t owner_;
};

template <class Target>
void emit_to(Target const& target, std::string const& event, mad::socketio::raw_args const& args) {
    if (args.text.empty())
        target.emit(event);
    else
        target.emit(event, args);
}

} // namespace mad_python

#endif
