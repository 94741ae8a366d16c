#ifndef MAD_SOCKETIO_DETAIL_CLIENT_LINK_HPP
#define MAD_SOCKETIO_DETAIL_CLIENT_LINK_HPP

#include <mad/engine/session.hpp>
#include <mad/socketio/detail/nsp_core.hpp>
#include <mad/socketio/detail/parent_core.hpp>
#include <mad/socketio/parser.hpp>

#include <memory>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

/// Socket.IO on one session: decodes its packets and hands them to the sockets of its namespaces.
class client_link final : public engine::session_handler {
  public:
    client_link(server_core&, engine::session&, std::uint8_t shard);

    engine::session& session() { return session_; }

    void on_open(engine::session&) override;
    void on_message(engine::session&, std::string_view data, bool binary) override;
    void on_close(engine::session&, engine::close_reason) override;

    /// The socket's middlewares are done with it.
    void connected(socket_node&);
    void refuse(socket_node&, connect_error const&);
    /// False when that has ended the session.
    bool send_packet(packet_type, std::string_view nsp, std::string_view payload);
    /// The socket has left; the session stays.
    void forget(socket_node&);
    /// Leaves all namespaces (`41` each), then ends the session.
    void close_all();
    /// The parents have spoken of a namespace that there was not.
    void checked(nsp_check&, nsp_claim, nsp_refusal);

  private:
    void on_packet(packet const&);
    void on_connect(packet_view const&);
    void connect(std::string_view nsp, std::string auth);
    void ask_parents(std::string_view name, std::string auth);
    void join(nsp_claim, std::string auth);
    void send_connect_error(std::string_view nsp, connect_error const&);
    void send_unknown(std::string_view nsp);
    socket_node* find(std::string_view nsp);
    void on_deadline();
    void arm();
    /// Pauses reading for a while when the packet rate is over its limit.
    void count_packet();

    server_core& core_;
    engine::session& session_;
    decoder decoder_;
    net::deadline deadline_;
    std::vector<socket_node*> sockets_;
    std::unique_ptr<std::vector<std::shared_ptr<nsp_check>>> checks_; // nearly never any
    double tokens_;
    time_point const begun_;
    time_point filled_;
    std::uint8_t shard_;
    bool old_; // Socket.IO revision 4, which goes with Engine.IO revision 3
    bool joined_once_, throttled_ = false;
};

/// False when the socket does not come back: nothing has been done. Else it will be connected, or
/// its middlewares be run.
bool ask_to_return(socket_node&);

/// Lets a socket's middlewares run one after the other.
void run_middlewares(socket_node&);

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
