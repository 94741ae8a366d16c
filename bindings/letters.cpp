#include "letters.hpp"

#include <mad/core/json.hpp>
#include <mad/socketio/error.hpp>
#include <mad/socketio/packet.hpp>

#include <type_traits>

namespace py = pybind11;
namespace sio = mad::socketio;

namespace mad_python {
namespace {

/// What is said of a call that was forgotten.
template <class Outcome>
Outcome forgotten() {
    auto const why = make_error_code(sio::error::session_closed);
    if constexpr (std::is_same_v<Outcome, sio::ack_responses>)
        return {why, {}};
    else
        return why;
}

/// Calls `fn` once: with what it is given, or when it is destroyed.
template <class Outcome, class Fn>
class once_for_sure {
  public:
    explicit once_for_sure(Fn fn)
        : fn_(std::move(fn)) {}
    once_for_sure(once_for_sure const&) = delete;
    once_for_sure& operator=(once_for_sure const&) = delete;
    ~once_for_sure() { (*this)(forgotten<Outcome>()); }

    void operator()(Outcome value) {
        if (!std::exchange(done_, true))
            fn_(std::move(value));
    }

  private:
    Fn fn_;
    bool done_ = false; // one thread calls, and nobody holds it any more when it is destroyed
};

template <class Outcome, class Fn>
std::function<void(Outcome)> surely(Fn fn) {
    auto const shared = std::make_shared<once_for_sure<Outcome, Fn>>(std::move(fn));
    return [shared](Outcome value) { (*shared)(std::move(value)); };
}

py::list read_each(std::vector<mad::json> const& values) {
    py::list out;
    for (auto const& v : values)
        out.append(read_value(v));
    return out;
}

py::list read_found(std::vector<sio::socket_info> const& all) {
    py::list out;
    for (auto const& s : all) {
        py::list rooms;
        for (auto const& r : s.rooms)
            rooms.append(read_text(r));
        out.append(
            py::make_tuple(read_text(s.id), std::move(rooms),
                           s.data.empty() ? py::object(py::dict()) : read_json(s.data),
                           s.handshake.empty() ? py::object(py::none()) : read_json(s.handshake)));
    }
    return out;
}

template <class Outcome>
std::function<void(Outcome)> to_whom_it_may_concern(std::shared_ptr<awaited<Outcome>> waiter) {
    return surely<Outcome>(
        [waiter = std::move(waiter)](Outcome value) { waiter->set(std::move(value)); });
}

struct held_event {
    std::string payload;
    std::vector<std::string> attachments;
    sio::ack reply;
};

} // namespace

error_kind kind_of(mad::error_code const& error) {
    if (error == sio::error::timeout)
        return error_kind::timed_out;
    if (error == sio::error::not_acknowledged || error == sio::error::session_closed)
        return error_kind::disconnected;
    return error_kind::other;
}

py::tuple describe(mad::error_code const& error) {
    return py::make_tuple(error.message(), error.value(), error.category().name(),
                          static_cast<int>(kind_of(error)));
}

mad::milliseconds duration_of(double seconds) {
    return mad::milliseconds(static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e9) * 1000));
}

void fail(mad::error_code const& error) {
    throw boost::system::system_error(error);
}

void refuse(std::string const& what) {
    throw boost::system::system_error(make_error_code(boost::system::errc::invalid_argument), what);
}

void check_event(std::string const& name) {
    if (sio::is_reserved_event(name))
        throw py::value_error('"' + name + "\" is a reserved event name");
}

sio::arguments arguments_of(py::tuple const& values) {
    auto const written = write_args(values);
    auto parsed = sio::decode_args('[' + written.text + ']', written.attachments).value();
    sio::arguments out;
    for (auto& v : parsed)
        out.values.push_back(std::move(v));
    return out;
}

void answer::send(py::args const& values) {
    if (node_reply_) {
        line_->submit(
            [reply = std::exchange(node_reply_, {}), args = arguments_of(values)] { reply(args); });
        return;
    }
    line_->submit([reply = reply_, args = write_args(values)]() mutable {
        if (args.text.empty())
            reply();
        else
            reply(args);
    });
}

inbox::letter event_letter(sio::event_context& context, std::shared_ptr<lifeline const> line,
                           std::shared_ptr<gate> room, std::uint64_t handler, std::string who,
                           bool with_name) {
    auto const& packet = context.what();
    auto held = std::make_shared<held_event>();
    held->payload = packet.view.payload;
    held->attachments.assign(packet.attachments.begin(), packet.attachments.end());
    held->reply = context.reply();
    auto size = held->payload.size();
    for (auto const& a : held->attachments)
        size += a.size();
    room->entered(size);
    return [held, line = std::move(line), room = std::move(room), handler, who = std::move(who),
            with_name, size]() -> py::object {
        room->taken(size);
        py::object reply = py::none();
        if (held->reply.wanted())
            reply = py::cast(std::make_unique<answer>(line, std::move(held->reply)));
        return py::make_tuple(static_cast<int>(letter_kind::event), handler, who,
                              read_args(held->payload, held->attachments, with_name ? 0 : 1),
                              std::move(reply));
    };
}

sio::ack_callback to_inbox(std::shared_ptr<inbox> box, std::uint64_t token) {
    using outcome = mad::result<sio::arguments>;
    return surely<outcome>([box = std::move(box), token](outcome value) {
        box->post([token, value = std::move(value)]() -> py::object {
            auto const kind = static_cast<int>(letter_kind::answer);
            if (!value)
                return py::make_tuple(kind, token, describe(value.error()), py::none());
            return py::make_tuple(kind, token, py::none(), read_values(*value));
        });
    });
}

sio::ack_callback to_waiter(std::shared_ptr<blocking_answer> waiter) {
    return to_whom_it_may_concern(std::move(waiter));
}

py::tuple wait_for(blocking_answer& waiter) {
    auto const outcome = waiter.wait(-1);
    if (!*outcome)
        fail(outcome->error());
    return read_values(**outcome);
}

answers_callback answers_to_inbox(std::shared_ptr<inbox> box, std::uint64_t token) {
    return surely<sio::ack_responses>([box = std::move(box), token](sio::ack_responses all) {
        box->post([token, all = std::move(all)]() -> py::object {
            auto why = all.ec ? py::object(describe(all.ec)) : py::object(py::none());
            return py::make_tuple(static_cast<int>(letter_kind::answers), token, std::move(why),
                                  read_each(all.values));
        });
    });
}

answers_callback answers_to_waiter(std::shared_ptr<blocking_answers> waiter) {
    return to_whom_it_may_concern(std::move(waiter));
}

py::list wait_for(blocking_answers& waiter) {
    auto const all = waiter.wait(-1);
    auto answers = read_each(all->values);
    if (!all->ec)
        return answers;
    auto const make = py::module_::import("mad._errors").attr("make");
    auto const error = make(*describe(all->ec), std::move(answers));
    PyErr_SetObject(py::type::of(error).ptr(), error.ptr());
    throw py::error_already_set();
}

found_callback found_to_inbox(std::shared_ptr<inbox> box, std::uint64_t token) {
    return surely<found_sockets>([box = std::move(box), token](found_sockets all) {
        box->post([token, all = std::move(all)]() -> py::object {
            auto const kind = static_cast<int>(letter_kind::answers);
            if (!all)
                return py::make_tuple(kind, token, describe(all.error()), py::list());
            return py::make_tuple(kind, token, py::none(), read_found(*all));
        });
    });
}

found_callback found_to_waiter(std::shared_ptr<blocking_found> waiter) {
    return to_whom_it_may_concern(std::move(waiter));
}

py::list wait_for(blocking_found& waiter) {
    auto const all = waiter.wait(-1);
    if (!*all)
        fail(all->error());
    return read_found(**all);
}

} // namespace mad_python
