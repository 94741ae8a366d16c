#ifndef MAD_SOCKETIO_IMPL_CLIENT_JOINING_IPP
#define MAD_SOCKETIO_IMPL_CLIENT_JOINING_IPP

#include <mad/core/json_parse.hpp>
#include <mad/socketio/detail/client_core.hpp>

// How a client's socket comes into its namespace, and out.

namespace mad::inline MAD_ABI::socketio::detail {

MAD_DECL void client_node::connect(client_socket::connect_callback done) {
    if (joined()) {
        if (done)
            done(result<void>());
        return;
    }
    if (done)
        waiting.push_back(std::move(done));
    active = true;
    if (!core->waiting_to_retry())
        core->connect();
    if (core && core->open())
        ask_to_join();
}

MAD_DECL void client_node::ask_to_join() {
    if (asked || asking || joined() || !active)
        return;
    if (core->old_server())
        return ask_old_server();
    if (!auth_source)
        return send_connect(auth);
    asking = true;
    auto const round = ++auth_round_;
    auto const answer = [weak = std::weak_ptr<client_node>(answers->node()), round](json value) {
        auto n = weak.lock();
        if (!n)
            return;
        auto& shard = n->home;
        shard.dispatch([n = std::move(n), round, value = std::move(value)] {
            if (n->core && n->asking && n->auth_round_ == round)
                n->send_connect(value);
        });
    };
    auto const source = auth_source; // which may set another one
    try {
        (*source)(answer);
    } catch (...) {
        if (core)
            core->fault("auth");
        if (core && asking && auth_round_ == round)
            auth_failed();
    }
}

/// Of a server of 2.x everybody is in `/`, and told so unasked.
MAD_DECL void client_node::ask_old_server() {
    bool const is_root = name() == "/";
    using root = client_core::root;
    asked = true;
    early_lost_ = false;
    if (is_root && core->root_state == root::awaited)
        return;
    if (is_root && core->root_state == root::joined) {
        packet_view reply;
        reply.type = packet_type::connect;
        return on_connected(reply);
    }
    std::string text(1, '4');
    append_header(text, packet_type::connect, 0, is_root ? "/" : shared->name + query,
                  std::nullopt);
    core->transmit_text(text);
}

MAD_DECL void client_node::send_disconnect() {
    std::string text(1, '4');
    append_header(text, packet_type::disconnect, 0, name(), std::nullopt);
    if (name() == "/")
        core->root_state = client_core::root::left;
    core->transmit_text(text);
}

MAD_DECL void client_node::start_auth(boost::asio::awaitable<void> task) {
    auto& c = *core;
    // The client stays until it has ended.
    c.tasks().spawn(std::move(task), [&c, weak = std::weak_ptr<client_node>(answers->node()),
                                      round = auth_round_](std::exception_ptr e) {
        try {
            if (e)
                std::rethrow_exception(e);
        } catch (...) {
            c.fault("auth");
            auto const n = weak.lock();
            if (n && n->core && n->asking && n->auth_round_ == round)
                n->auth_failed();
        }
        c.retire_if_idle();
    });
}

MAD_DECL void client_node::auth_failed() {
    asking = active = false;
    on_failure({make_error_code(error::bad_argument), "auth failed", std::nullopt});
    if (core)
        core->released();
}

MAD_DECL void client_node::send_connect(json const& value) {
    asking = false;
    if (!core->open() || asked || joined() || !active)
        return;
    asked = true;
    early_lost_ = false;
    std::string text(1, '4');
    append_header(text, packet_type::connect, 0, name(), std::nullopt);
    if (!pid.empty() && (value.is_object() || value.is_null())) {
        auto all = json::object();
        all["pid"] = pid;
        if (auto const last = parse_json(offset))
            all["offset"] = *last;
        for (auto const& [key, member] : value.items())
            all[key] = member;
        append_json(text, all);
    } else if (!value.is_null()) {
        append_json(text, value);
    }
    core->transmit_text(text);
}

MAD_DECL void client_node::disconnect() {
    if (!active && !joined())
        return;
    active = asking = false;
    if (joined())
        send_disconnect();
    // Out before the connection ends: what it says of its end is not for this socket any more.
    bool const was = shared->joined.exchange(false, std::memory_order_relaxed);
    // Of a CONNECT that is under way nobody knows whether it will succeed, and leaving a namespace
    // that was not joined ends the connection: the reply is awaited, and answered then.
    core->released();
    if (was)
        left(disconnect_reason::io_client_disconnect);
    tell_waiting(error_code(error::session_closed));
}

MAD_DECL void client_node::on_connected(packet_view const& p) {
    if (!asked || joined())
        return;
    asked = false;
    if (core->old_server()) {
        auto const* const session = core->session();
        auto const sid = std::string(session ? session->sid() : std::string_view());
        return joined_as(name() == "/" ? sid : shared->name + '#' + sid);
    }
    auto const parsed = parse_json(p.payload, core->settings().packets.json);
    auto const data = parsed ? *parsed : json();
    auto const sid = data.is_object() ? data.find("sid") : data.end();
    if (!data.is_object() || sid == data.end() || !sid->is_string()) {
        active = false;
        forget_early();
        core->released();
        return on_failure({make_error_code(error::incompatible_peer),
                           make_error_code(error::incompatible_peer).message(), std::nullopt});
    }
    auto const session = data.find("pid");
    auto const text_of = [&](auto it) {
        return it != data.end() && it->is_string() ? it->template get<std::string>()
                                                   : std::string();
    };
    auto now = text_of(session);
    bool const recovered = !now.empty() && now == pid;
    if (!recovered)
        offset.clear(); // of another session
    pid = std::move(now);
    shared->recovered.store(recovered && !early_lost_, std::memory_order_relaxed);
    joined_as(sid->get<std::string>());
}

MAD_DECL void client_node::joined_as(std::string new_id) {
    if (!active) { // left meanwhile
        forget_early();
        return send_disconnect();
    }
    id = std::move(new_id);
    ++generation;
    shared->joined.store(true, std::memory_order_relaxed);
    auto const mine = generation;
    auto const still = [&] { return core && joined() && generation == mine; };
    // In the order of the reference: what came early, what waited, then the handlers.
    early_bytes_ = 0;
    for (auto& e : std::exchange(early_, {})) {
        decoder d(core->settings().packets);
        auto whole = d.feed_text(e.text);
        for (auto const& a : e.attachments)
            if (whole && !*whole)
                whole = d.feed_binary(a);
        if (whole && *whole && still())
            on_event(**whole);
    }
    if (!still())
        return;
    flush();
    send_head();
    if (!still())
        return;
    tell_waiting(result<void>());
    for (std::size_t i = 0; i < connect_handlers.size() && still(); ++i) {
        auto const fn = connect_handlers[i];
        try {
            fn();
        } catch (...) {
            core->fault("connect");
        }
    }
}

MAD_DECL void client_node::on_failure(connect_failure const& f) {
    tell_waiting(f.code);
    for (std::size_t i = 0; i < error_handlers.size() && core; ++i) {
        auto const fn = error_handlers[i];
        try {
            fn(f);
        } catch (...) {
            if (core)
                core->fault("connect_error");
        }
    }
}

MAD_DECL void client_node::tell_waiting(result<void> const& outcome) {
    for (auto const& fn : std::exchange(waiting, {})) {
        try {
            fn(outcome);
        } catch (...) {
            if (core)
                core->fault("connect");
        }
    }
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
