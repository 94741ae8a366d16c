#ifndef MAD_SYNC_BUS_HPP
#define MAD_SYNC_BUS_HPP

#include <mad/core/clock.hpp>
#include <mad/redis/command.hpp>
#include <mad/redis/reply.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::sync {

enum class subscription : std::uint8_t { channel, pattern, sharded };

/// What adapters ask of Redis, and of time. Nothing else of them knows a wire, so tests stand in
/// for a server with a list. From any thread; handlers come from one.
class bus {
  public:
    using reply_handler = std::function<void(result<redis::reply>)>;
    using batch_handler = std::function<void(result<std::vector<redis::reply>>)>;
    using message_handler = std::function<void(std::string_view channel, std::string_view body)>;

    virtual ~bus() = default;

    /// Nobody waits for the answer.
    virtual void send(redis::command) = 0;
    virtual void exec(redis::command, reply_handler) = 0;
    /// On every master of a Cluster: what each knows for itself. By default there is one.
    virtual void exec_on_masters(redis::command c, batch_handler done) {
        exec(std::move(c), [done = std::move(done)](result<redis::reply> r) {
            if (!r)
                return done(r.error());
            std::vector<redis::reply> one;
            one.push_back(std::move(*r));
            done(std::move(one));
        });
    }
    /// On a connection of its own, one a lane: it may wait for long.
    virtual void exec_blocking(std::size_t lane, redis::command, reply_handler) = 0;
    virtual void transaction(redis::pipeline, batch_handler) = 0;

    /// Several may listen to one name. The number is for `unsubscribe`; never 0.
    virtual std::uint64_t subscribe(subscription, std::string name, message_handler) = 0;
    virtual void unsubscribe(std::uint64_t) = 0;

    /// Whether Redis can be reached, as far as is known.
    virtual bool is_up() const = 0;

    virtual void after(milliseconds, std::function<void()>) = 0;
};

} // namespace mad::inline MAD_ABI::sync

#endif
