#include "letters.hpp"

#include <mad/socketio/error.hpp>
#include <mad/socketio/packet.hpp>

namespace py = pybind11;
namespace sio = mad::socketio;

namespace mad_python {
namespace {

/// Calls `fn` once: with what it is given, or when it is destroyed.
template <class Fn>
class once_for_sure {
  public:
    explicit once_for_sure(Fn fn)
        : fn_(std::move(fn)) {}
    once_for_sure(once_for_sure const&) = delete;
    once_for_sure& operator=(once_for_sure const&) = delete;
    ~once_for_sure() { (*this)(make_error_code(sio::error::session_closed)); }

    void operator()(mad::result<sio::arguments> value) {
        if (!std::exchange(done_, true))
            fn_(std::move(value));
    }

  private:
    Fn fn_;
    bool done_ = false; // one shard calls
};

template <class Fn>
sio::ack_callback surely(Fn fn) {
    auto const shared = std::make_shared<once_for_sure<Fn>>(std::move(fn));
    return [shared](mad::result<sio::arguments> value) { (*shared)(std::move(value)); };
}

struct held_event {
    std::string payload;
    std::vector<std::string> attachments;
    sio::ack reply;
};

} // namespace

py::tuple describe(mad::error_code const& error) {
    return py::make_tuple(error.message(), error.value(), error.category().name(),
                          error == sio::error::timeout);
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

void answer::send(py::args const& values) {
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
    return surely([box = std::move(box), token](mad::result<sio::arguments> value) {
        box->post([token, value = std::move(value)]() -> py::object {
            auto const kind = static_cast<int>(letter_kind::answer);
            if (!value)
                return py::make_tuple(kind, token, describe(value.error()), py::none());
            return py::make_tuple(kind, token, py::none(), read_values(*value));
        });
    });
}

sio::ack_callback to_waiter(std::shared_ptr<blocking_answer> waiter) {
    return surely([waiter = std::move(waiter)](mad::result<sio::arguments> value) {
        waiter->set(std::move(value));
    });
}

py::tuple wait_for(blocking_answer& waiter) {
    auto const outcome = waiter.wait(-1);
    if (!*outcome)
        fail(outcome->error());
    return read_values(**outcome);
}

} // namespace mad_python
