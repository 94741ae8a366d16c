#ifndef MAD_REDIS_IMPL_HANDSHAKE_IPP
#define MAD_REDIS_IMPL_HANDSHAKE_IPP

#include <mad/redis/command.hpp>
#include <mad/redis/detail/handshake.hpp>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL std::string handshake::start() {
    std::string out;
    add(out, word::hello);
    if (wish_.database != 0 && !wish_.sentinel)
        add(out, word::select);
    add(out, word::ping);
    return out;
}

MAD_DECL void handshake::add(std::string& out, word w) {
    awaited_ += static_cast<char>(w);
    bool const auth = !wish_.password.empty() || !wish_.user.empty();
    switch (w) {
    case word::hello: {
        command c("HELLO", wish_.protocol);
        if (auth)
            c.add("AUTH").add(wish_.user.empty() ? "default" : wish_.user).add(wish_.password);
        if (!wish_.client_name.empty())
            c.add("SETNAME").add(wish_.client_name);
        out += c.wire();
        return;
    }
    case word::auth:
        if (wish_.user.empty())
            out += command("AUTH", wish_.password).wire();
        else
            out += command("AUTH", wish_.user, wish_.password).wire();
        return;
    case word::select:
        out += command("SELECT", wish_.database).wire();
        return;
    case word::ping:
        out += command("PING").wire();
        return;
    case word::role:
        out += command("ROLE").wire();
        return;
    }
}

MAD_DECL handshake::step handshake::fail(error_code why, std::string_view text) {
    why_ = why;
    text_ = text;
    return step::failed;
}

MAD_DECL handshake::step handshake::on_reply(reply const& r, std::string& write) {
    if (skip_ > 0) {
        --skip_;
        return step::more;
    }
    auto const w = static_cast<word>(awaited_.front());
    awaited_.erase(0, 1);
    auto const e = r.is_error() ? error_of(r.text()) : error::none;
    switch (w) {
    case word::hello:
        if (e == error::server && !old_server_) {
            // No HELLO before 6.0. Too many clients says the same word; AUTH or PING tell then.
            if (wish_.protocol != 2)
                return fail(error::unsupported_protocol, r.text());
            old_server_ = true;
            text_ = r.text();
            skip_ = awaited_.size();
            awaited_.clear();
            if (!wish_.password.empty())
                add(write, word::auth);
            if (wish_.database != 0 && !wish_.sentinel)
                add(write, word::select);
            add(write, word::ping);
            if (wish_.need_master)
                add(write, word::role);
            return step::more;
        }
        if (e != error::none)
            return fail(e, r.text());
        if (auto const* const v = r.find("version"))
            info_.version = v->text();
        if (auto const* const m = r.find("mode"))
            info_.cluster = m->text() == "cluster";
        if (auto const* const role = r.find("role"))
            info_.master = role->text() == "master";
        if (wish_.need_master && !info_.master)
            return fail(error::not_master, "the server's role is replica");
        break;
    case word::auth:
        if (e != error::none)
            return fail(e == error::server ? error::wrong_password : e, r.text());
        break;
    case word::select:
        if (e != error::none)
            return fail(e, r.text());
        break;
    case word::ping:
        // A user who may not PING is connected all the same.
        if (e != error::none && (e != error::no_permission))
            return fail(e, r.text());
        break;
    case word::role:
        info_.master = r[0].text() == "master";
        if (!info_.master)
            return fail(error::not_master, "the server's role is not master");
        break;
    }
    return awaited_.empty() ? step::ready : step::more;
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
