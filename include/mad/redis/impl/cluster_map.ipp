#ifndef MAD_REDIS_IMPL_CLUSTER_MAP_IPP
#define MAD_REDIS_IMPL_CLUSTER_MAP_IPP

#include <mad/redis/command.hpp>
#include <mad/redis/detail/cluster_map.hpp>
#include <mad/redis/detail/node.hpp>
#include <mad/redis/detail/random_share.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL cluster_map::cluster_map(net::shard& s, settings const& st, config const& c,
                                  std::function<void()> changed,
                                  std::function<void(error_code, std::string const&)> failed)
    : shard_(s)
    , settings_(st)
    , config_(c)
    , changed_(std::move(changed))
    , failed_(std::move(failed))
    , seeds_(c.endpoints)
    , backoff_(st.backoff)
    , limit_(
          [](void* p) {
              static_cast<cluster_map*>(p)->on_down(error::timeout, "CLUSTER SLOTS: no answer",
                                                    true);
          },
          this)
    , again_([](void* p) { static_cast<cluster_map*>(p)->begin(); }, this) {}

MAD_DECL cluster_map::~cluster_map() {
    if (wire_)
        wire_->close();
}

MAD_DECL void cluster_map::stop() {
    stopped_ = true;
    again_.cancel();
    drop();
}

MAD_DECL void cluster_map::drop() {
    limit_.cancel();
    if (!wire_)
        return;
    wire_->close();
    shard_.reap(std::move(wire_)); // it may be on the stack
}

MAD_DECL void cluster_map::add_seed(endpoint const& e) {
    if (std::find(seeds_.begin(), seeds_.end(), e) == seeds_.end())
        seeds_.push_back(e);
}

MAD_DECL void cluster_map::moved(redirect const& r) {
    table_.set(r.slot, r.to);
    refresh();
}

MAD_DECL void cluster_map::refresh() {
    if (asking_ || stopped_ || again_.armed())
        return;
    if (std::chrono::steady_clock::now() - asked_at_ < settings_.backoff.min)
        return shard_.deadlines().arm(again_, settings_.backoff.min);
    begin();
}

MAD_DECL void cluster_map::begin() {
    if (asking_ || stopped_)
        return;
    asking_ = true;
    asked_at_ = std::chrono::steady_clock::now();
    // The nodes of the table know best; in any order, so that not one of them hears all questions.
    candidates_ = table_.masters();
    if (!candidates_.empty()) {
        auto const first =
            static_cast<std::ptrdiff_t>(random_share() * static_cast<double>(candidates_.size()));
        std::rotate(candidates_.begin(), candidates_.begin() + first, candidates_.end());
    }
    for (auto const& s : seeds_)
        if (std::find(candidates_.begin(), candidates_.end(), s) == candidates_.end())
            candidates_.push_back(s);
    last_why_ = {};
    ask_next();
}

MAD_DECL void cluster_map::ask_next() {
    if (candidates_.empty()) {
        asking_ = false;
        shard_.deadlines().arm(again_, is_denial(last_why_) ? settings_.denied_retry
                                                            : backoff_.next(random_share()));
        return failed_(last_why_, last_text_);
    }
    asked_ = candidates_.front();
    candidates_.erase(candidates_.begin());
    session_wish w;
    auto password = current_password(config_);
    if (!password) {
        last_why_ = password.error().code;
        last_text_ = password.error().message;
        candidates_.clear();
        return ask_next();
    }
    w.user = config_.user;
    w.password = std::move(*password);
    w.client_name = config_.client_name;
    wire_ = std::make_unique<wire>(shard_, settings_, *this);
    wire_->open(asked_, config_.tls, std::move(w));
}

MAD_DECL void cluster_map::on_up(server_info const&) {
    shard_.deadlines().arm(limit_, settings_.connect_timeout);
    wire_->send(command("CLUSTER", "SLOTS").wire());
}

MAD_DECL void cluster_map::on_reply(reply& r) {
    auto made = slot_table::parse(r, asked_);
    if (!made)
        return on_down(r.is_error() ? r.code() : error_code(error::cluster_down),
                       r.is_error() ? std::string(r.text()) : "a node without a Cluster", true);
    drop();
    asking_ = false;
    backoff_.reset();
    table_ = std::move(*made);
    changed_();
}

MAD_DECL void cluster_map::on_down(error_code why, std::string const& text, bool) {
    last_why_ = why;
    last_text_ = text;
    drop();
    ask_next();
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
