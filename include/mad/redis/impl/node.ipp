#ifndef MAD_REDIS_IMPL_NODE_IPP
#define MAD_REDIS_IMPL_NODE_IPP

#include <mad/redis/detail/node.hpp>
#include <mad/redis/detail/random_share.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL bool is_passing(error e) {
    return e == error::read_only || e == error::loading || e == error::master_down ||
           e == error::cluster_down;
}

MAD_DECL bool is_denial(error_code e) {
    return e == error::no_auth || e == error::wrong_password || e == error::no_permission ||
           e == error::no_tls || e == error::unsupported_protocol ||
           e == error::password_unreadable;
}

MAD_DECL node::node(net::shard& s, settings const& st, config const& c, guide& g, node_owner& o)
    : shard_(s)
    , settings_(st)
    , config_(c)
    , guide_(g)
    , owner_(o)
    , backoff_(st.backoff)
    , retry_([](void* p) { static_cast<node*>(p)->locate(); }, this)
    , limit_([](void* p) { static_cast<node*>(p)->on_tick(); }, this)
    , silence_([](void* p) { static_cast<node*>(p)->on_idle(); }, this) {}

MAD_DECL node::~node() {
    if (wire_)
        wire_->close();
}

MAD_DECL session_wish node::wish(std::string password) const {
    session_wish w;
    w.user = config_.user;
    w.password = std::move(password);
    w.client_name = config_.client_name;
    w.database = config_.database;
    w.protocol = config_.protocol;
    w.need_master = guide_.wants_master();
    return w;
}

MAD_DECL void node::start() {
    if (phase_ == phase::idle)
        locate();
}

MAD_DECL void node::locate() {
    phase_ = phase::locating;
    guide_.locate([this](result<endpoint> to, std::string const& text) {
        if (phase_ != phase::locating)
            return;
        if (to)
            connect(std::move(*to));
        else
            rest(to.error(), text);
    });
}

MAD_DECL void node::connect(endpoint to) {
    auto const password = current_password(config_);
    if (!password)
        return rest(password.error().code, password.error().message);
    phase_ = phase::connecting;
    where_ = to;
    wire_ = std::make_unique<wire>(shard_, settings_, *this);
    wire_->open(std::move(to), config_.tls, wish(*password));
}

MAD_DECL void node::push(pending p) {
    if (phase_ == phase::stopped || phase_ == phase::denied)
        return owner_.refuse(std::move(p),
                             phase_ == phase::stopped ? error_code(error::closed) : why_);
    waiting_.push_back(std::move(p));
    tick();
    if (phase_ == phase::up)
        flush();
    else
        start();
}

MAD_DECL void node::flush() {
    while (!waiting_.empty()) {
        auto& p = waiting_.front();
        if (p.asking) {
            p.asking = false;
            command ask("ASKING");
            wire_->send(ask.wire());
            under_way_.push_back({std::move(ask), {}, p.deadline, 0, false, false, true});
        }
        wire_->send(p.cmd.wire());
        under_way_.push_back(std::move(p));
        waiting_.pop_front();
    }
}

MAD_DECL void node::on_up(server_info const& info) {
    phase_ = phase::up;
    up_since_ = std::chrono::steady_clock::now();
    on_heard();
    owner_.on_node_up(*this, info);
    if (phase_ == phase::up)
        flush();
}

MAD_DECL void node::on_heard() {
    shard_.deadlines().arm(silence_, settings_.ping_interval);
}

/// Nothing has come for a while. What is under way has its own deadline; else a PING gets one.
MAD_DECL void node::on_idle() {
    if (phase_ != phase::up)
        return;
    on_heard();
    if (under_way_.empty()) {
        auto const until = std::chrono::steady_clock::now() + settings_.command_timeout;
        push({command("PING"), {}, until, 0, false, false, true});
    }
}

MAD_DECL void node::on_reply(reply& r) {
    if (r.kind() == reply_kind::push)
        return;
    if (under_way_.empty())
        return lose(error::bad_reply, "an answer that nobody has asked for");
    auto p = std::move(under_way_.front());
    under_way_.pop_front();
    auto const e = r.is_error() ? error_of(r.text()) : error::none;
    bool const refused =
        is_passing(e) || e == error::moved || e == error::ask || e == error::try_again;
    if (refused && !p.ours && owner_.redirected(*this, p, r)) {
        // Taken.
    } else if (is_passing(e)) {
        drain(e, r.text());
        if (p.whole)
            owner_.settle(std::move(p), std::move(r));
        else if (!p.ours)
            again_.push_back(std::move(p));
    } else {
        owner_.settle(std::move(p), std::move(r));
    }
    if (phase_ == phase::draining && under_way_.empty())
        lose(why_, text_);
}

/// What is under way has been sent and may still be answered; nothing more is sent.
MAD_DECL void node::drain(error_code why, std::string_view text) {
    if (phase_ != phase::up)
        return;
    phase_ = phase::draining;
    why_ = why;
    text_ = text;
}

MAD_DECL void node::on_down(error_code why, std::string const& text, bool) {
    lose(why, text);
}

/// The end of a connection, or of an attempt at one.
MAD_DECL void node::lose(error_code why, std::string const& text) {
    if (phase_ == phase::stopped)
        return;
    if (wire_) {
        wire_->close();
        shard_.reap(std::move(wire_)); // it is on the stack
    }
    silence_.cancel();
    auto const now = std::chrono::steady_clock::now();
    // One that did not last is no success: a replica takes connections and refuses writes.
    if ((phase_ == phase::up || phase_ == phase::draining) &&
        now - up_since_ >= settings_.backoff.max)
        backoff_.reset();
    auto lost = std::exchange(under_way_, {});
    std::deque<pending> front = std::exchange(again_, {});
    for (auto it = lost.begin(); it != lost.end();) {
        if (it->cmd.is_idempotent() && !it->whole) {
            front.push_back(std::move(*it));
            it = lost.erase(it);
        } else {
            ++it;
        }
    }
    waiting_.insert(waiting_.begin(), std::make_move_iterator(front.begin()),
                    std::make_move_iterator(front.end()));
    rest(why, text);
    for (auto& p : lost)
        owner_.settle(std::move(p), error::connection_lost);
}

MAD_DECL void node::rest(error_code why, std::string const& text) {
    why_ = why;
    text_ = text;
    bool const denied = is_denial(why);
    phase_ = denied ? phase::denied : phase::resting;
    shard_.deadlines().arm(retry_, denied ? settings_.denied_retry : backoff_.next(random_share()));
    if (denied)
        for (auto& p : std::exchange(waiting_, {}))
            owner_.refuse(std::move(p), why);
    if (phase_ != phase::stopped)
        owner_.on_node_down(*this, why, text);
}

MAD_DECL void node::relocate(error_code why, std::string const& text) {
    if (phase_ != phase::connecting && phase_ != phase::up && phase_ != phase::draining &&
        phase_ != phase::resting)
        return;
    backoff_.reset();
    lose(why, text);
}

MAD_DECL void node::stop(error_code why) {
    if (phase_ == phase::stopped)
        return;
    phase_ = phase::stopped;
    guide_.cancel();
    retry_.cancel();
    limit_.cancel();
    silence_.cancel();
    if (wire_) {
        wire_->close();
        shard_.reap(std::move(wire_)); // it may be on the stack
    }
    auto const all = {&under_way_, &again_, &waiting_};
    for (auto* const q : all)
        for (auto& p : std::exchange(*q, {}))
            owner_.settle(std::move(p), why);
}

MAD_DECL std::deque<pending> node::take_waiting() {
    return std::exchange(waiting_, {});
}

/// Deadlines are looked at eight times in the length of one: a few lengths for the queue of the
/// shard, however many commands there are.
MAD_DECL void node::tick() {
    if (!limit_.armed() && phase_ != phase::stopped)
        shard_.deadlines().arm(limit_,
                               std::max<duration>(settings_.command_timeout / 8, milliseconds(1)));
}

MAD_DECL void node::on_tick() {
    auto const now = std::chrono::steady_clock::now();
    auto const over = [&](pending const& p) { return p.deadline <= now; };
    std::deque<pending> late;
    auto const collect = [&](std::deque<pending>& q) {
        auto const it =
            std::stable_partition(q.begin(), q.end(), [&](pending const& p) { return !over(p); });
        std::move(it, q.end(), std::back_inserter(late));
        q.erase(it, q.end());
    };
    // Answers come in order: when one is late, all behind it are held up by the same peer.
    bool const stuck = std::any_of(under_way_.begin(), under_way_.end(), over);
    if (stuck)
        collect(under_way_);
    if (std::any_of(waiting_.begin(), waiting_.end(), over))
        collect(waiting_);
    if (std::any_of(again_.begin(), again_.end(), over))
        collect(again_);
    if (stuck)
        lose(error::timeout, "no answer in time");
    for (auto& p : late)
        owner_.settle(std::move(p), error::timeout);
    if (!idle() || !again_.empty())
        tick();
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
