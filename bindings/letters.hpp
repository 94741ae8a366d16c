#ifndef MAD_BINDINGS_LETTERS_HPP
#define MAD_BINDINGS_LETTERS_HPP

#include "inbox.hpp"
#include "python_json.hpp"

#include <mad/socketio/adapter.hpp>
#include <mad/socketio/listener.hpp>
#include <mad/socketio/socket.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mad_python {

/// The first element of each tuple that an inbox gives. `mad/socketio/_letters.py` has the same.
enum class letter_kind : int {
    event = 0,             ///< handler, socket id or namespace, arguments, answer or None
    answer = 1,            ///< token, error or None, values
    connecting = 2,        ///< namespace, socket, handshake, recovered, rooms
    disconnected = 3,      ///< socket id or namespace, reason, final
    gone = 4,              ///< socket id, how many inboxes are told
    connected = 5,         ///< namespace, socket id, recovered
    connect_error = 6,     ///< namespace, error, message, data, refused, final
    reconnect_attempt = 7, ///< number
    reconnected = 8,       ///< number
    gave_up = 9,           ///<
    auth = 10,             ///< namespace, token
    answers = 11,          ///< token, error or None, list
    server_side = 12,      ///< handler, arguments, answer or None
    server_error = 13,     ///< namespace, message, data
};

/// What kind of error Python makes of it; `mad/_errors.py` has the same.
enum class error_kind : int { other = 0, timed_out = 1, disconnected = 2 };
error_kind kind_of(mad::error_code const&);

/// `(message, code, category, kind)`: what `mad._errors.make` takes.
pybind11::tuple describe(mad::error_code const&);

/// What Python's side of a connection holds on to: calls go through while it lives.
struct lifeline {
    std::shared_ptr<errands> calls;
    bool ended = false; // under Python's lock

    /// Whether it was still there to be told.
    bool submit(std::function<void()> fn) const {
        if (ended)
            return false;
        calls->submit(std::move(fn));
        return true;
    }
};

/// Answers another node of the server. Once, from any thread.
using node_reply = std::function<void(mad::socketio::arguments)>;

/// The answer to an event that asked for one.
class answer {
  public:
    answer(std::shared_ptr<lifeline const> line, mad::socketio::ack reply)
        : line_(std::move(line))
        , reply_(std::move(reply)) {}
    answer(std::shared_ptr<lifeline const> line, node_reply reply)
        : line_(std::move(line))
        , node_reply_(std::move(reply)) {}

    /// Only the first one counts.
    void send(pybind11::args const& values);

  private:
    std::shared_ptr<lifeline const> line_;
    mad::socketio::ack reply_;
    node_reply node_reply_;
};

/// Copies an event out of the packet it came in; the letter to be posted. `with_name`: the event's
/// name is the first of the arguments.
inbox::letter event_letter(mad::socketio::event_context&, std::shared_ptr<lifeline const>,
                           std::shared_ptr<gate>, std::uint64_t handler, std::string who,
                           bool with_name);

/// Reports the outcome of a call, whatever becomes of it: also when it is forgotten.
mad::socketio::ack_callback to_inbox(std::shared_ptr<inbox> box, std::uint64_t token);

using blocking_answer = awaited<mad::result<mad::socketio::arguments>>;
mad::socketio::ack_callback to_waiter(std::shared_ptr<blocking_answer> waiter);

/// Waits for it; raises mad.Error.
pybind11::tuple wait_for(blocking_answer& waiter);

/// The same for the answers of many: what came in time is part of the error, too.
using answers_callback = std::function<void(mad::socketio::ack_responses)>;
answers_callback answers_to_inbox(std::shared_ptr<inbox> box, std::uint64_t token);

using blocking_answers = awaited<mad::socketio::ack_responses>;
answers_callback answers_to_waiter(std::shared_ptr<blocking_answers> waiter);
pybind11::list wait_for(blocking_answers& waiter);

/// The same for `fetch_sockets`: of each `(id, rooms, data, handshake)`.
using found_sockets = mad::result<std::vector<mad::socketio::socket_info>>;
using found_callback = std::function<void(found_sockets)>;
found_callback found_to_inbox(std::shared_ptr<inbox> box, std::uint64_t token);

using blocking_found = awaited<found_sockets>;
found_callback found_to_waiter(std::shared_ptr<blocking_found> waiter);
pybind11::list wait_for(blocking_found& waiter);

/// What Python's objects say, as values. The same rules as `write_args`.
mad::socketio::arguments arguments_of(pybind11::tuple const& values);

/// Seconds from Python, within what a clock can hold.
mad::milliseconds duration_of(double seconds);

/// Raises mad.Error.
[[noreturn]] void fail(mad::error_code const&);

/// Refuses settings.
[[noreturn]] void refuse(std::string const& what);

/// ValueError for names that the library keeps for itself.
void check_event(std::string const& name);

} // namespace mad_python

#endif
