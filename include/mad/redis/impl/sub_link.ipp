#ifndef MAD_REDIS_IMPL_SUB_LINK_IPP
#define MAD_REDIS_IMPL_SUB_LINK_IPP

#include <mad/redis/command.hpp>
#include <mad/redis/detail/node.hpp>
#include <mad/redis/detail/random_share.hpp>
#include <mad/redis/detail/sub_link.hpp>

#include <utility>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL sub_link::sub_link(net::shard& s, settings const& st, config const& c, guide& g,
                            sub_owner& o)
    : shard_(s)
    , settings_(st)
    , config_(c)
    , guide_(g)
    , owner_(o)
    , backoff_(st.backoff)
    , retry_([](void* p) { static_cast<sub_link*>(p)->locate(); }, this)
    , silence_([](void* p) { static_cast<sub_link*>(p)->on_silence(); }, this) {}

MAD_DECL sub_link::~sub_link() {
    if (wire_)
        wire_->close();
}

MAD_DECL void sub_link::start() {
    if (!std::exchange(started_, true))
        locate();
}

MAD_DECL void sub_link::locate() {
    locating_ = true;
    guide_.locate([this](result<endpoint> to, std::string const& text) {
        if (!std::exchange(locating_, false))
            return;
        if (to)
            connect(std::move(*to));
        else
            rest(to.error(), text);
    });
}

MAD_DECL void sub_link::connect(endpoint to) {
    auto password = current_password(config_);
    if (!password)
        return rest(password.error().code, password.error().message);
    session_wish w;
    w.user = config_.user;
    w.password = std::move(*password);
    w.client_name = config_.client_name;
    w.protocol = config_.protocol;
    w.need_master = guide_.wants_master();
    where_ = to;
    wire_ = std::make_unique<wire>(shard_, settings_, *this);
    wire_->open(std::move(to), config_.tls, std::move(w));
}

MAD_DECL void sub_link::on_up(server_info const& info) {
    up_since_ = std::chrono::steady_clock::now();
    awaited_.clear();
    on_heard();
    owner_.fill(*this);
    owner_.on_link_up(*this, info);
}

MAD_DECL void sub_link::subscribe(sub_kind k, std::string_view name) {
    send(k, true, name);
}

MAD_DECL void sub_link::unsubscribe(sub_kind k, std::string_view name) {
    send(k, false, name);
}

/// One command for each name: each has one answer, and one that is refused takes no other with it.
MAD_DECL void sub_link::send(sub_kind k, bool on, std::string_view name) {
    if (!up())
        return;
    constexpr std::string_view words[] = {"SUBSCRIBE",    "UNSUBSCRIBE", "PSUBSCRIBE",
                                          "PUNSUBSCRIBE", "SSUBSCRIBE",  "SUNSUBSCRIBE"};
    wire_->send(command(words[static_cast<std::size_t>(k) * 2 + (on ? 0 : 1)], name).wire());
    awaited_.push_back({k, on, std::string(name)});
    if (awaited_.size() > settings_.max_subscriptions * 2)
        lose(error::queue_full, "the server answers to no subscription");
}

MAD_DECL void sub_link::on_reply(reply& r) {
    auto const word = r[0].text();
    if (word == "message")
        return owner_.on_message(sub_kind::channel, r[1].text(), r[1].text(), r[2].text());
    if (word == "pmessage")
        return owner_.on_message(sub_kind::pattern, r[1].text(), r[2].text(), r[3].text());
    if (word == "smessage")
        return owner_.on_message(sub_kind::sharded, r[1].text(), r[1].text(), r[2].text());
    if (r.kind() == reply_kind::push && !word.ends_with("subscribe"))
        return; // news of another kind
    answered(word, r);
}

MAD_DECL void sub_link::answered(std::string_view word, reply const& r) {
    bool const away = word == "sunsubscribe";
    if (away &&
        (awaited_.empty() || awaited_.front().on || awaited_.front().kind != sub_kind::sharded ||
         awaited_.front().name != r[1].text()))
        return owner_.on_moved_away(*this, r[1].text());
    if (awaited_.empty())
        return lose(error::bad_reply, "an answer that nobody has asked for");
    auto const a = std::move(awaited_.front());
    awaited_.pop_front();
    if (a.on && !a.name.empty())
        owner_.on_answer(*this, a.kind, a.name, r.is_error() ? error_of(r.text()) : error::none,
                         r.is_error() ? r.text() : std::string_view());
}

MAD_DECL void sub_link::on_down(error_code why, std::string const& text, bool) {
    lose(why, text);
}

MAD_DECL void sub_link::lose(error_code why, std::string const& text) {
    if (!started_)
        return;
    if (wire_) {
        if (wire_->up() && std::chrono::steady_clock::now() - up_since_ >= settings_.backoff.max)
            backoff_.reset();
        wire_->close();
        shard_.reap(std::move(wire_)); // it is on the stack
    }
    silence_.cancel();
    awaited_.clear();
    rest(why, text);
}

MAD_DECL void sub_link::rest(error_code why, std::string const& text) {
    shard_.deadlines().arm(retry_,
                           is_denial(why) ? settings_.denied_retry : backoff_.next(random_share()));
    owner_.on_link_down(*this, why, text);
}

MAD_DECL void sub_link::relocate(error_code why, std::string const& text) {
    if (locating_)
        return;
    backoff_.reset();
    lose(why, text);
}

MAD_DECL void sub_link::stop() {
    started_ = false;
    locating_ = false;
    guide_.cancel();
    retry_.cancel();
    silence_.cancel();
    awaited_.clear();
    if (!wire_)
        return;
    wire_->close();
    shard_.reap(std::move(wire_)); // it may be on the stack
}

MAD_DECL void sub_link::on_heard() {
    pinged_ = false;
    shard_.deadlines().arm(silence_, settings_.ping_interval);
}

/// A subscriber may PING, and must: it sends nothing else for days.
MAD_DECL void sub_link::on_silence() {
    if (!up())
        return;
    if (pinged_)
        return lose(error::timeout, "no answer to a PING");
    pinged_ = true;
    wire_->send(command("PING").wire());
    awaited_.push_back({sub_kind::channel, true, {}});
    shard_.deadlines().arm(silence_, settings_.command_timeout);
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
