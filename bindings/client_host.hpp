#ifndef MAD_BINDINGS_CLIENT_HOST_HPP
#define MAD_BINDINGS_CLIENT_HOST_HPP

#include "letters.hpp"

#include <mad/socketio/client.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mad_python {

/// A Socket.IO client with a thread of its own, which never takes Python's lock.
class client_host {
  public:
    explicit client_host(mad::socketio::client_settings);
    ~client_host();
    client_host(client_host const&) = delete;
    client_host& operator=(client_host const&) = delete;

    std::shared_ptr<inbox> box() const { return box_; }
    std::string const& default_nsp() const { return default_nsp_; }

    /// Tells of the connection of a namespace from now on.
    void open(std::string const& nsp);
    /// Events of that name go to `handler` from now on; the empty name: those that have no handler.
    void handle(std::string const& nsp, std::string const& event, std::uint64_t handler);

    /// Joins a namespace: `open` tells how it went.
    void connect(std::string const& nsp);
    void leave(std::string const& nsp);

    void set_auth(std::string const& nsp, pybind11::object value);
    /// Asks Python before each connect; `answer_auth` brings the value.
    void ask_auth(std::string const& nsp);
    void answer_auth(std::uint64_t token, pybind11::object value);

    void emit(std::string const& nsp, std::string event, pybind11::tuple const& values,
              bool is_volatile);
    void call(std::uint64_t token, std::string const& nsp, std::string event,
              pybind11::tuple const& values, double timeout);
    pybind11::tuple call_blocking(std::string const& nsp, std::string event,
                                  pybind11::tuple const& values, double timeout);

    bool connected(std::string const& nsp);
    std::string transport();
    void handled(std::size_t events) { room_->handled(events); }

    /// Ends the connection under it, as if the network had failed.
    void drop_connection();
    /// Leaves everything, at most so many seconds for the goodbye. For good.
    void stop(double seconds);
    bool running() const { return !line_->ended && !elsewhere(); }

  private:
    struct route {
        std::atomic<std::uint64_t> handler{0};
    };
    struct questions; // of `auth`, that wait for Python

    using guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

    mad::socketio::client_socket socket(std::string const& nsp);
    void ask(mad::socketio::ack_callback, std::string const& nsp, std::string event,
             pybind11::tuple const& values, double timeout);
    void run();
    bool elsewhere() const;

    std::shared_ptr<gate> room_ = std::make_shared<gate>();
    std::shared_ptr<inbox> box_ = std::make_shared<inbox>();
    std::unique_ptr<boost::asio::io_context> context_;
    std::unique_ptr<mad::socketio::client> client_;
    std::shared_ptr<lifeline> line_;
    std::shared_ptr<questions> questions_;
    std::map<std::string, mad::socketio::client_socket> sockets_;
    std::map<std::pair<std::string, std::string>, std::shared_ptr<route>> routes_;
    std::string default_nsp_;
    bool reconnection_;
    std::optional<guard> work_;
    std::promise<void> ended_;
    std::thread thread_;
    std::atomic<bool> stopping_{false};
    ::pid_t owner_;
};

} // namespace mad_python

#endif
