#ifndef MAD_REDIS_CLIENT_HPP
#define MAD_REDIS_CLIENT_HPP

#include <mad/redis/command.hpp>
#include <mad/redis/config.hpp>
#include <mad/redis/reply.hpp>
#include <mad/redis/settings.hpp>
#include <mad/redis/state.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::redis {

namespace detail {
class client_core;
}

/// A client of one Redis, of the master that sentinels name, or of a Cluster. It connects by
/// itself, and again whenever the connection is lost.
///
///     boost::asio::io_context ioc;
///     mad::redis::client db(ioc, mad::redis::parse_url("redis://localhost").value());
///     db.exec(mad::redis::command("INCR", "visits"), [&](mad::result<mad::redis::reply> r) {
///         std::cout << (r ? r->integer() : -1) << '\n';
///         db.close();
///     });
///     ioc.run();
///
/// Commands of one turn of the loop leave in one write, in the order of the calls, and are answered
/// in that order (in a Cluster: per node). An error reply of the server is an answer
/// (`reply::is_error`); an `error_code` says that there is none. Every call may be made from any
/// thread; handlers run on the shard given. `ioc.run()` returns once the client is closed.
///
/// A command that the server refuses because of what it is at the moment (READONLY, LOADING,
/// MASTERDOWN, CLUSTERDOWN, MOVED, ASK, TRYAGAIN) has not run: it is sent again where it belongs
/// until its time is over. One whose connection breaks before the answer came may have run: it ends
/// with `error::connection_lost`, unless it says that it is idempotent.
class client {
  public:
    using handler = std::function<void(result<reply>)>;
    using batch_handler = std::function<void(result<std::vector<reply>>)>;
    using condition_handler = std::function<void(condition const&)>;

    /// On an io_context that the application runs with one thread. It must outlive the client, as
    /// must a shard. Nothing is done before `connect`, or the first command.
    client(boost::asio::io_context&, config, settings = {});
    client(net::shard&, config, settings = {});
    /// Closes it.
    ~client();
    client(client const&) = delete;
    client& operator=(client const&) = delete;

    void connect() const;
    /// Ends the connections. What waits, or is called later, gets `error::closed`.
    void close() const;

    boost::asio::awaitable<result<reply>> exec(command) const;
    void exec(command, handler) const;
    /// Nobody waits for the answer; what goes wrong is logged at `debug`.
    void send(command) const;

    /// Several commands, one after the other in one write: an answer for each, in their order. In a
    /// Cluster each goes to its node. An error when one of them got no answer.
    boost::asio::awaitable<result<std::vector<reply>>> exec(pipeline) const;
    void exec(pipeline, batch_handler) const;
    void send(pipeline) const;

    /// The same between MULTI and EXEC: all of them run and nothing between them, or none. Answers
    /// as above; the error of a transaction that did not run (`error::exec_abort`,
    /// `error::cross_slot` when keys live in several slots of a Cluster).
    boost::asio::awaitable<result<std::vector<reply>>> transaction(pipeline) const;
    void transaction(pipeline, batch_handler) const;

    /// One command on every master, for what each knows for itself alone, like PUBSUB NUMSUB or
    /// DBSIZE: their answers in no order that means anything. One answer without a Cluster. What
    /// keys the command has are not looked at. An error when one of them got no answer.
    boost::asio::awaitable<result<std::vector<reply>>> exec_on_masters(command) const;
    void exec_on_masters(command, batch_handler) const;

    /// Runs a script: by its digest, and by its text when the server does not know it.
    boost::asio::awaitable<result<reply>> eval(script, std::vector<std::string> keys,
                                               std::vector<std::string> args = {}) const;
    void eval(script, std::vector<std::string> keys, std::vector<std::string> args, handler) const;

    /// Called on the shard at each change from here on, and at once with what is.
    void on_state(condition_handler) const;
    /// How it is now.
    redis::condition condition() const;

    /// Commands that wait to be sent or answered.
    std::size_t queued() const;

  private:
    void run(std::function<void(detail::client_core&)>) const;

    std::shared_ptr<detail::client_core> core_;
};

} // namespace mad::inline MAD_ABI::redis

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/client.ipp>
#endif

#endif
