#ifndef MAD_SOCKETIO_IMPL_RECOVERY_IPP
#define MAD_SOCKETIO_IMPL_RECOVERY_IPP

#include <mad/core/json_text.hpp>
#include <mad/socketio/recovery.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// Base 64 with the digits first, as small numbers as possible.
inline std::string yeast(std::uint64_t n) {
    constexpr std::string_view digits =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    std::string out;
    do {
        out.insert(out.begin(), digits[n % 64]);
        n /= 64;
    } while (n > 0);
    return out;
}

} // namespace detail

MAD_DECL encoded with_offset(encoded const& event, std::string_view offset) {
    auto const whole = event.text().payload();
    std::string text(whole.substr(0, whole.rfind(']')));
    text += ',';
    append_json_string(text, offset);
    text += ']';
    attachment_list attachments;
    for (auto const& a : event.attachments())
        attachments.emplace_back(a.payload());
    encoded out(text, attachments);
    if (!event.text().compress())
        out.set_compress(false);
    return out;
}

MAD_DECL std::string offset_source::next(std::int64_t now_ms) {
    bool const same = now_ms <= last_;
    if (!same) {
        last_ = now_ms;
        repeated_ = 0;
    }
    auto out = detail::yeast(static_cast<std::uint64_t>(last_));
    if (same)
        out += '.' + detail::yeast(repeated_++);
    return out;
}

MAD_DECL std::pair<encoded, std::uint64_t> recovery_log::add(encoded const& p, target const& to,
                                                             std::string_view only) {
    auto const now = settings_.clock->now();
    std::lock_guard const lock(mutex_);
    purge(now);
    auto offset = offsets_.next(settings_.clock->wall_ms());
    auto with = with_offset(p, offset);
    auto const bytes = with.size() + sizeof(entry);
    entries_.push_back({next_, std::move(offset), now, to, std::string(only), with, bytes});
    bytes_ += bytes;
    while (!entries_.empty() &&
           (entries_.size() > settings_.max_packets || bytes_ > settings_.max_bytes))
        drop_front();
    return {std::move(with), next_++};
}

MAD_DECL void recovery_log::drop_front() {
    bytes_ -= entries_.front().bytes;
    entries_.pop_front();
    auto const first = entries_.empty() ? next_ + 1 : entries_.front().sequence;
    for (auto& j : journals_)
        while (!j.empty() && j.front() < first)
            j.pop_front();
}

MAD_DECL void recovery_log::delivered(std::uint8_t shard, std::uint64_t sequence) {
    std::lock_guard const lock(mutex_);
    if (journals_.size() <= shard)
        journals_.resize(shard + std::size_t(1));
    if (!entries_.empty() && sequence >= entries_.front().sequence)
        journals_[shard].push_back(sequence);
}

MAD_DECL void recovery_log::save(saved_session s) {
    auto const now = settings_.clock->now();
    std::lock_guard const lock(mutex_);
    purge(now);
    std::size_t bytes = sizeof(kept) + s.data.size() + s.numbers.size() * sizeof(s.numbers[0]);
    for (auto const& r : s.rooms)
        bytes += r.size();
    drop_session(s.pid);
    if (bytes > settings_.max_bytes || settings_.max_sessions == 0)
        return;
    auto const pid = s.pid;
    session_bytes_ += bytes;
    age_.emplace_back(pid, ++serial_);
    sessions_.emplace(pid, kept{std::move(s), now, serial_, bytes});
    while (!age_.empty() &&
           (sessions_.size() > settings_.max_sessions || session_bytes_ > settings_.max_bytes)) {
        auto const [oldest, serial] = std::move(age_.front());
        age_.pop_front();
        if (auto const it = sessions_.find(oldest);
            it != sessions_.end() && it->second.serial == serial)
            drop_session(oldest);
    }
}

MAD_DECL void recovery_log::drop_session(std::string const& pid) {
    auto const it = sessions_.find(pid);
    if (it == sessions_.end())
        return;
    session_bytes_ -= it->second.bytes;
    sessions_.erase(it);
}

MAD_DECL bool recovery_log::concerns(entry const& e, saved_session const& s) {
    if (!e.only.empty())
        return e.only == s.id;
    auto const has = [&](std::vector<std::string> const& names) {
        return std::any_of(names.begin(), names.end(), [&](std::string const& n) {
            return n == s.id || std::find(s.rooms.begin(), s.rooms.end(), n) != s.rooms.end();
        });
    };
    return (e.to.rooms.empty() || has(e.to.rooms)) && !has(e.to.except);
}

MAD_DECL std::optional<restored_session> recovery_log::restore(std::string const& pid,
                                                               std::string_view offset) {
    auto const now = settings_.clock->now();
    std::lock_guard const lock(mutex_);
    auto const it = sessions_.find(pid);
    if (it == sessions_.end() || it->second.live)
        return std::nullopt;
    auto& k = it->second;
    if (now - k.at > settings_.max_disconnection_duration) {
        drop_session(pid);
        return std::nullopt;
    }
    auto const last = std::find_if(entries_.rbegin(), entries_.rend(),
                                   [&](entry const& e) { return e.offset == offset; });
    if (last == entries_.rend())
        return std::nullopt;
    auto const first = entries_.front().sequence;
    auto const& earlier =
        k.session.sequence; // up to here it had what it missed then, or part of it
    std::vector<bool> seen(entries_.size());
    for (auto i = first; i <= earlier; ++i)
        seen[i - first] = true;
    if (last->sequence <= earlier) {
        // Nothing that was sent later: only what it missed then, as far as that came.
        auto const& numbers = k.session.numbers;
        auto const at = std::find(numbers.begin(), numbers.end(), last->sequence);
        for (auto n = at == numbers.end() ? numbers.begin() : at + 1; n != numbers.end(); ++n)
            if (*n >= first)
                seen[*n - first] = false;
    } else {
        if (k.session.shard >= journals_.size())
            return std::nullopt;
        auto const& journal = journals_[k.session.shard];
        auto const end = std::find(journal.begin(), journal.end(), last->sequence);
        if (end == journal.end())
            return std::nullopt;
        for (auto j = journal.begin(); j <= end; ++j)
            if (*j >= first)
                seen[*j - first] = true;
    }
    restored_session out;
    for (auto const& e : entries_)
        if (!seen[e.sequence - first] && concerns(e, k.session)) {
            out.missed.push_back(e.packet);
            out.numbers.push_back(e.sequence);
        }
    out.session = k.session;
    out.sequence = next_ - 1;
    // Kept on, as the reference does (connection-state-recovery, last step); but never twice at
    // once.
    k.live = true;
    return out;
}

MAD_DECL void recovery_log::end(std::string_view pid, std::optional<saved_session> last) {
    std::lock_guard const lock(mutex_);
    auto const it = sessions_.find(std::string(pid));
    if (it == sessions_.end())
        return;
    auto& k = it->second;
    k.live = false;
    if (!last)
        return;
    k.session.shard = last->shard;
    k.session.sequence = last->sequence;
    k.session.numbers = std::move(last->numbers);
}

/// Once a minute, as the reference; when something else is done, so there is no timer.
MAD_DECL void recovery_log::purge(time_point now) {
    if (purged_ && now - *purged_ < seconds(60))
        return;
    purged_ = now;
    auto const too_old = [&](time_point at) {
        return now - at > settings_.max_disconnection_duration;
    };
    while (!entries_.empty() && too_old(entries_.front().at))
        drop_front();
    while (!age_.empty()) {
        auto const it = sessions_.find(age_.front().first);
        bool const current = it != sessions_.end() && it->second.serial == age_.front().second;
        if (current && !too_old(it->second.at))
            break;
        if (current)
            drop_session(std::string(age_.front().first));
        age_.pop_front();
    }
}

MAD_DECL std::size_t recovery_log::packets() const {
    std::lock_guard const lock(mutex_);
    return entries_.size();
}

MAD_DECL std::size_t recovery_log::sessions() const {
    std::lock_guard const lock(mutex_);
    return sessions_.size();
}

MAD_DECL void recovering_adapter::broadcast(encoded const& p, target const& t, broadcast_flags f) {
    if (f.is_volatile)
        return local_.deliver(p, t, f);
    auto const [with, sequence] = log_.add(p, t);
    f.sequence = sequence;
    local_.deliver(with, t, f);
}

MAD_DECL void recovering_adapter::send(encoded const& p, std::string_view id,
                                       std::function<void(encoded const&, std::uint64_t)> deliver) {
    auto const [with, sequence] = log_.add(p, {}, id);
    deliver(with, sequence);
}

} // namespace mad::inline MAD_ABI::socketio

#endif
