#ifndef MAD_HOST_IMPL_SPACE_PROBE_IPP
#define MAD_HOST_IMPL_SPACE_PROBE_IPP

#include <mad/host/space_probe.hpp>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <system_error>
#include <utility>

#include <sys/statvfs.h>

namespace mad::inline MAD_ABI::host {

MAD_DECL int system_statvfs(char const* path, fs_space& out) {
    struct ::statvfs v {};
    int r = 0;
    do {
        r = ::statvfs(path, &v);
    } while (r != 0 && errno == EINTR);
    if (r != 0)
        return errno;
    out = {v.f_frsize,
           v.f_blocks,
           v.f_bfree,
           v.f_bavail,
           v.f_files,
           v.f_ffree,
           (v.f_flag & ST_RDONLY) != 0};
    return 0;
}

/// What the two threads share. The helper may outlive the probe, so it holds this too.
struct space_probe::shared {
    struct job {
        std::string path;
        fs_space space;
        int error = 0;
        bool done = false, taken = false;
    };

    statvfs_function call;
    std::mutex mutex;
    std::condition_variable wake, returned;
    std::vector<job> jobs; // not touched by the asking thread while `running`, but for `taken`
    std::size_t current = 0;
    bool running = false, calling = false, stop = false;

    static void work(std::shared_ptr<shared> const& me) {
        std::unique_lock lock(me->mutex);
        for (;;) {
            me->wake.wait(lock, [&] { return me->stop || me->running; });
            for (me->current = 0; !me->stop && me->current < me->jobs.size(); ++me->current)
                me->answer(me->jobs[me->current], lock);
            if (me->stop)
                return;
            me->running = false;
        }
    }

    void answer(job& j, std::unique_lock<std::mutex>& lock) {
        calling = true;
        lock.unlock();
        fs_space space;
        int error = EIO;
        try {
            error = call(j.path.c_str(), space);
        } catch (...) {
            // A broken function is a filesystem that fails; nothing may leave a thread.
            error = EIO;
        }
        lock.lock();
        calling = false;
        returned.notify_one();
        j.space = space;
        j.error = error;
        j.done = true;
    }
};

MAD_DECL space_probe::space_probe(statvfs_function call, milliseconds limit)
    : limit_(limit)
    , shared_(std::make_shared<shared>()) {
    shared_->call = std::move(call);
}

MAD_DECL space_probe::~space_probe() {
    bool hangs = false;
    {
        std::unique_lock lock(shared_->mutex);
        shared_->stop = true;
        hangs =
            !shared_->returned.wait_for(lock, milliseconds(50), [&] { return !shared_->calling; });
    }
    shared_->wake.notify_one();
    if (!thread_.joinable())
        return;
    if (hangs)
        thread_.detach();
    else
        thread_.join();
}

MAD_DECL space_probe::watched* space_probe::find(std::string_view path) {
    auto const it = std::find_if(watched_.begin(), watched_.end(),
                                 [&](auto const& w) { return w.path == path; });
    return it == watched_.end() ? nullptr : &*it;
}

MAD_DECL void space_probe::watch(std::vector<std::string> paths) {
    std::vector<watched> next;
    next.reserve(paths.size());
    for (auto& p : paths) {
        auto const* known = find(p);
        auto const last = known ? known->last : answer{};
        next.push_back({std::move(p), last});
    }
    watched_ = std::move(next);
}

MAD_DECL bool space_probe::poll(time_point now) {
    collect(now);
    return ask(now);
}

MAD_DECL void space_probe::collect(time_point now) {
    std::lock_guard const lock(shared_->mutex);
    auto& s = *shared_;
    for (auto& j : s.jobs) {
        if (!j.done || j.taken)
            continue;
        j.taken = true;
        if (auto* w = find(j.path))
            w->last = {j.error == 0 ? state::ready : state::failed, j.space, j.error};
    }
    if (!s.running || s.current >= s.jobs.size())
        return;
    if (s.current != seen_call_) {
        seen_call_ = s.current;
        seen_since_ = now;
    }
    if (now - seen_since_ <= limit_)
        return;
    auto const& hung = s.jobs[s.current];
    for (auto& w : watched_) {
        auto const answered = [&](auto const& j) { return j.done && j.path == w.path; };
        if (w.path == hung.path)
            w.last.is = state::stuck;
        else if (std::none_of(s.jobs.begin(), s.jobs.end(), answered))
            w.last.is = state::waiting;
    }
}

MAD_DECL bool space_probe::ask(time_point now) {
    if (watched_.empty())
        return true;
    if (!thread_.joinable() && !start_thread())
        return false;
    {
        std::lock_guard const lock(shared_->mutex);
        auto& s = *shared_;
        if (s.running)
            return true;
        s.jobs.resize(watched_.size());
        for (std::size_t i = 0; i < watched_.size(); ++i) {
            s.jobs[i].path = watched_[i].path;
            s.jobs[i].done = s.jobs[i].taken = false;
        }
        s.current = 0;
        s.running = true;
        seen_call_ = 0;
        seen_since_ = now;
    }
    shared_->wake.notify_one();
    return true;
}

MAD_DECL bool space_probe::start_thread() {
    // Signals are for the thread that asks: it may be waiting for one to leave.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        thread_ = std::thread([me = shared_] { shared::work(me); });
    } catch (std::system_error const&) {
        // No thread to be had now: the next poll tries again.
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread_.joinable();
}

} // namespace mad::inline MAD_ABI::host

#endif
