#ifndef MAD_FLEET_AGENT_SIBLINGS_HPP
#define MAD_FLEET_AGENT_SIBLINGS_HPP

#include <mad/core/duration.hpp>
#include <mad/core/error.hpp>
#include <mad/core/log.hpp>
#include <mad/net/unix_socket.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <set>
#include <string>

namespace mad::inline MAD_ABI::fleet {

struct agent_siblings_settings {
    /// A folder that all instances on this machine share, and nobody else may enter.
    std::string folder;
    /// Of this instance: `NAME.agent` in the folder is its socket.
    std::string name;
    /// How long another may take to answer.
    milliseconds patience{1'000};
    logger log;
};

/// Agents of one host while a new release takes over from the one before it. They have the same id,
/// so one at a time speaks: who comes later asks those before it to be silent, and speaks once they
/// are. When it lets go, or dies, they speak again. All on one thread.
class agent_siblings {
  public:
    agent_siblings(boost::asio::io_context&, agent_siblings_settings);
    ~agent_siblings();
    agent_siblings(agent_siblings const&) = delete;
    agent_siblings& operator=(agent_siblings const&) = delete;

    /// `silence(true)`: another speaks from now on. `silence(false, done)`: this one is to speak
    /// again, and to call `done` when it has been heard.
    error_code start(std::function<void(bool silent, std::function<void()> done)> silence);

    /// Asks those that are there. `done` when all are silent, or have had their time.
    void take_over(std::function<void()> done);

    /// Lets them speak again. `done` when they were heard, or after `most`.
    void give_back(milliseconds most, std::function<void()> done);

    /// Another speaks for this one.
    bool silent() const { return !holders_.empty(); }
    /// Others are silent because of this one.
    bool leads() const { return !held_.empty(); }

    /// Nobody is held any more, nobody can ask.
    void stop();

  private:
    struct listener;
    struct link;
    using link_ptr = std::shared_ptr<link>;

    void accept();
    void await_name(link_ptr const&);
    /// One that holds us says a word, or has gone.
    void await_holder(link_ptr const&);
    void ask(std::string const& path);
    /// One that we hold answers, or has gone.
    void await_held(link_ptr const&);
    void settled();
    void finish();

    boost::asio::io_context& context_;
    agent_siblings_settings settings_;
    std::function<void(bool, std::function<void()>)> silence_;
    net::unix_socket_file file_;
    std::unique_ptr<listener> listener_;
    std::set<link_ptr> holders_, asked_, held_;
    boost::asio::steady_timer limit_;
    std::function<void()> done_; ///< of `take_over` or `give_back`
    bool giving_back_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/agent_siblings.ipp>
#endif

#endif
