#ifndef MAD_REDIS_IMPL_SENTINEL_GUIDE_IPP
#define MAD_REDIS_IMPL_SENTINEL_GUIDE_IPP

#include <mad/redis/command.hpp>
#include <mad/redis/detail/sentinel_guide.hpp>

#include <utility>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL sentinel_guide::sentinel_guide(net::shard& s, settings const& st, config const& c,
                                        std::function<void()> switched)
    : shard_(s)
    , settings_(st)
    , config_(c)
    , switched_(std::move(switched))
    , list_(c.endpoints)
    , limit_(
          [](void* p) {
              auto& me = *static_cast<sentinel_guide*>(p);
              me.on_down(error::timeout, "the sentinel does not answer", true);
          },
          this)
    , silence_([](void* p) { static_cast<sentinel_guide*>(p)->on_silence(); }, this) {}

MAD_DECL sentinel_guide::~sentinel_guide() {
    if (wire_)
        wire_->close();
}

MAD_DECL void sentinel_guide::locate(answer done) {
    drop();
    done_ = std::move(done);
    last_why_ = error::no_master;
    last_text_ = "no sentinel knows a master named " + config_.master_name;
    list_.begin();
    ask_next();
}

MAD_DECL void sentinel_guide::cancel() {
    done_ = nullptr;
    drop();
}

MAD_DECL void sentinel_guide::drop() {
    limit_.cancel();
    silence_.cancel();
    if (!wire_)
        return;
    wire_->close();
    shard_.reap(std::move(wire_)); // it may be on the stack
}

MAD_DECL void sentinel_guide::ask_next() {
    auto const* const who = list_.next();
    if (!who) {
        if (auto const done = std::exchange(done_, nullptr))
            done(last_why_, last_text_);
        return;
    }
    answers_ = 0;
    session_wish w;
    w.user = config_.sentinel_user;
    w.password = config_.sentinel_password;
    w.client_name = config_.client_name;
    w.sentinel = true;
    wire_ = std::make_unique<wire>(shard_, settings_, *this);
    wire_->open(*who, config_.tls, std::move(w));
}

MAD_DECL void sentinel_guide::on_up(server_info const&) {
    shard_.deadlines().arm(limit_, settings_.connect_timeout);
    wire_->send(command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", config_.master_name).wire());
    wire_->send(command("SENTINEL", "SENTINELS", config_.master_name).wire());
    wire_->send(command("SUBSCRIBE", "+switch-master").wire());
}

MAD_DECL void sentinel_guide::on_reply(reply& r) {
    switch (answers_++) {
    case 0: {
        auto const master = parse_master(r);
        if (!master) {
            if (r.is_error())
                last_text_ = r.text();
            drop();
            return ask_next();
        }
        list_.answered();
        if (auto const done = std::exchange(done_, nullptr))
            done(*master, {});
        return;
    }
    case 1:
        limit_.cancel();
        return list_.learn(r);
    default:
        if (r[0].text() == "message" && tells_of_switch(r[2].text(), config_.master_name))
            switched_();
    }
}

/// A sentinel that nobody waits for may go: the next question finds another one.
MAD_DECL void sentinel_guide::on_down(error_code why, std::string const& text, bool) {
    drop();
    if (!done_)
        return;
    if (last_why_ == error::no_master) {
        last_why_ = why;
        last_text_ = text;
    }
    ask_next();
}

MAD_DECL void sentinel_guide::on_heard() {
    pinged_ = false;
    shard_.deadlines().arm(silence_, settings_.ping_interval);
}

MAD_DECL void sentinel_guide::on_silence() {
    if (!wire_ || !wire_->up())
        return;
    if (pinged_)
        return drop();
    pinged_ = true;
    wire_->send(command("PING").wire());
    shard_.deadlines().arm(silence_, settings_.command_timeout);
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
