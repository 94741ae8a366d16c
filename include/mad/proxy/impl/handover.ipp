#ifndef MAD_PROXY_IMPL_HANDOVER_IPP
#define MAD_PROXY_IMPL_HANDOVER_IPP

#include <mad/net/wait.hpp>
#include <mad/proxy/detail/handover_link.hpp>
#include <mad/proxy/handover.hpp>

#include <mad/proxy/impl/handover_link.ipp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// Descriptors of our own, closed when it is over.
struct closing {
    explicit closing(std::vector<int> f)
        : fds(std::move(f)) {}
    closing(closing const&) = delete;
    ~closing() {
        for (int const fd : fds)
            ::close(fd);
    }
    std::vector<int> fds;
};

} // namespace detail

MAD_DECL handover_offer::handover_offer(server& s, handover_settings h)
    : server_(s)
    , settings_(std::move(h)) {}

MAD_DECL handover_offer::~handover_offer() {
    if (thread_.joinable()) {
        std::uint64_t const one = 1;
        [[maybe_unused]] auto const n = ::write(wake_, &one, sizeof one);
        thread_.join();
    }
    if (link_)
        link_->finish(true);
    for (int const fd : {listening_, wake_})
        if (fd >= 0)
            ::close(fd);
}

MAD_DECL error_code handover_offer::start(net::unix_taken taken) {
    auto made = net::open_unix_listener(settings_.path, taken, net::unix_kind::packets);
    if (!made)
        return made.error();
    listening_ = made->fd;
    file_ = std::move(made->file);
    wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_ < 0)
        return detail::handover_error();
    thread_ = std::thread([this] { wait(); });
    return {};
}

MAD_DECL void handover_offer::wait() {
    for (;;) {
        std::array<pollfd, 2> all{pollfd{listening_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
        if (::poll(all.data(), all.size(), -1) < 0 && errno != EINTR)
            return;
        if (all[1].revents != 0)
            return;
        int const fd = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR)
                ::poll(nullptr, 0, 100); // out of descriptors: not at once again
            continue;
        }
        try {
            if (give(fd))
                return;
        } catch (std::exception const& e) {
            settings_.log.error("proxy.handover.failed", {{"what", e.what()}});
        }
        if (!given_)
            link_.reset();
    }
}

MAD_DECL bool handover_offer::give(int fd) {
    auto w = std::make_unique<detail::handover_wire>(fd);
    auto const failed = [&](std::string_view step, std::string_view why) {
        settings_.log.warn("proxy.handover.failed", {{"step", step}, {"what", why}});
        return false;
    };
    if (!w->same_user())
        return failed("hello", "another user asks");
    auto const asked = w->receive(settings_.patience);
    if (!asked)
        return failed("hello", asked.error().message());
    auto const* const hello = std::get_if<handover::hello>(&asked->what);
    if (!hello || hello->version > handover::version || hello->version < handover::oldest_version) {
        (void)w->send(handover::refusal{"the process there hands over in another way (version " +
                                        std::to_string(handover::version) +
                                        "): stop it, then start this one"},
                      {}, settings_.patience);
        return failed("hello", "it asks for another version");
    }
    settings_.log.info("proxy.handover.asked", {{"version", hello->program}});
    link_ = std::make_shared<detail::handover_link>(server_, settings_.log, hello->version);
    if (!tell_state(*w))
        return failed("state", "it does not listen");
    auto const ready = w->receive(settings_.patience);
    if (!ready)
        return failed("commit", ready.error().message());
    auto const* const word = std::get_if<handover::word>(&ready->what);
    if (!word || *word != handover::word::commit)
        return failed("commit", "it says something else");
    if (auto const e = w->send(handover::word::go, {}, settings_.patience))
        return failed("go", e.message());

    given_ = true;
    link_->start(std::move(w));
    server_.release_to(link_);
    file_.release(); // the name is the next one's
    ::close(std::exchange(listening_, -1));
    settings_.log.info("proxy.handover.given");
    if (settings_.given)
        settings_.given();
    return true;
}

MAD_DECL bool handover_offer::tell_state(detail::handover_wire& w) {
    auto const say = [&](handover::message const& m, std::span<int const> fds = {}) {
        return !w.send(m, fds, settings_.patience);
    };
    if (!say(handover::secret{server_.pool().cookies().secret()}))
        return false;
    for (auto const& u : server_.pool().status())
        if (!say(handover::known_upstream{u.at->to, u.at->state,
                                          settings_.by_hand && settings_.by_hand(u.at->to.name)}))
            return false;

    auto const view = server_.pool().view();
    handover::known_sessions some;
    for (auto& e : server_.sids().all(std::chrono::steady_clock::now())) {
        if (auto const at = view->by_id(e.target))
            some.all.push_back({std::move(e.sid), at->to.name, e.polling, e.age});
        if (some.all.size() == 256) {
            if (!say(some))
                return false;
            some.all.clear();
        }
    }
    if (!some.all.empty() && !say(some))
        return false;

    auto const pass = [&](handover::listener_use use, std::span<int const> fds) {
        for (; !fds.empty(); fds = fds.subspan(std::min(fds.size(), handover::max_descriptors)))
            if (!say(handover::listeners{use},
                     fds.first(std::min(fds.size(), handover::max_descriptors))))
                return false;
        return true;
    };
    using enum handover::listener_use;
    detail::closing const own(server_.listeners());
    if (!pass(proxy, own.fds))
        return false;
    for (auto const use : {admin, redirect})
        if (settings_.listeners && !pass(use, settings_.listeners(use)))
            return false;
    return say(handover::word::state_end);
}

MAD_DECL bool handover_failure::nobody() const {
    return code == boost::system::errc::connection_refused ||
           code == boost::system::errc::no_such_file_or_directory;
}

MAD_DECL void throw_exception_from_error(handover_failure const& f, boost::source_location const&) {
    throw std::system_error(f.code, f.message);
}

MAD_DECL inheritance::inheritance(std::unique_ptr<detail::handover_wire> w, logger log,
                                  milliseconds patience)
    : wire_(std::move(w))
    , log_(std::move(log))
    , patience_(patience) {}

MAD_DECL inheritance::~inheritance() {
    if (link_)
        link_->finish(false);
    for (auto const& [use, fds] : listeners_)
        for (int const fd : fds)
            ::close(fd);
}

MAD_DECL handover_result<std::unique_ptr<inheritance>>
inheritance::claim(std::string const& path, logger log, milliseconds patience) {
    auto first = claim(path, log, patience, handover::version);
    if (first || first.error().code != detail::handover_error(EPROTONOSUPPORT))
        return first;
    // A process of before says nothing of what it would have understood.
    for (std::uint16_t v = handover::version; v-- > handover::oldest_version;) {
        auto again = claim(path, log, patience, v);
        if (again || again.error().code != detail::handover_error(EPROTONOSUPPORT))
            return again;
    }
    return first;
}

MAD_DECL handover_result<std::unique_ptr<inheritance>> inheritance::claim(std::string const& path,
                                                                          logger log,
                                                                          milliseconds patience,
                                                                          std::uint16_t version) {
    auto const fd = net::connect_unix(path, net::unix_kind::packets);
    if (!fd)
        return handover_failure{fd.error(), path + ": " + fd.error().message()};
    std::unique_ptr<inheritance> self(
        new inheritance(std::make_unique<detail::handover_wire>(*fd), std::move(log), patience));
    auto& w = *self->wire_;
    // What it says is believed: its secret signs our cookies.
    if (!w.same_user())
        return handover_failure{detail::handover_error(EPERM),
                                path + ": another user's process is there"};
    if (auto const e = w.send(handover::hello{version, MAD_VERSION}, {}, patience))
        return handover_failure{e, path + ": " + e.message()};
    for (;;) {
        auto got = w.receive(patience);
        if (!got)
            return handover_failure{got.error(), path + ": " + got.error().message()};
        if (auto* const no = std::get_if<handover::refusal>(&got->what))
            return handover_failure{detail::handover_error(EPROTONOSUPPORT), path + ": " + no->why};
        if (auto* const s = std::get_if<handover::secret>(&got->what)) {
            self->secret_ = std::move(s->text);
        } else if (auto* const u = std::get_if<handover::known_upstream>(&got->what)) {
            self->upstreams_.push_back(std::move(*u));
        } else if (auto* const k = std::get_if<handover::known_sessions>(&got->what)) {
            self->sessions_.push_back(std::move(*k));
        } else if (auto const* const l = std::get_if<handover::listeners>(&got->what)) {
            auto& into = self->listeners_[l->use];
            for (int const one : got->take())
                into.push_back(one);
        } else if (auto const* const end = std::get_if<handover::word>(&got->what);
                   end && *end == handover::word::state_end) {
            return self;
        } else {
            return handover_failure{detail::handover_error(EBADMSG),
                                    path + ": the process there says what it should not"};
        }
    }
}

MAD_DECL std::vector<int> inheritance::take_listeners(handover::listener_use use) {
    return std::exchange(listeners_[use], {});
}

MAD_DECL void inheritance::restore(server& to) {
    for (auto const& u : upstreams_)
        to.pool().restore(u.to.name, u.state);
    for (auto const& s : sessions_)
        detail::restore_sessions(to, s);
    sessions_.clear();
}

MAD_DECL handover_result<void> inheritance::commit(server& to,
                                                   std::vector<net::shard*> const& shards) {
    auto const failed = [](error_code e) {
        return handover_failure{e, "the process before does not let go: " + e.message()};
    };
    if (!wire_)
        return failed(detail::handover_error(EALREADY));
    // Names that are not known soon are not worth the wait: their upstreams are as good as down.
    (void)net::wait_until(
        [&] {
            auto const view = to.pool().view();
            return std::none_of(view->targets().begin(), view->targets().end(),
                                [](auto const& t) { return t->serves && t->addresses.empty(); });
        },
        std::min(patience_, milliseconds(2'000)));
    // Upstreams go from the home shard to the others; this comes behind them.
    auto const ready = std::make_shared<std::atomic<std::size_t>>(0);
    shards.front()->post([shards, ready] {
        for (auto* const s : shards)
            s->post([ready] { ++*ready; });
    });
    if (!net::wait_until([&] { return *ready == shards.size(); }, patience_))
        return failed(detail::handover_error(ETIMEDOUT));
    auto link = std::make_shared<detail::handover_link>(to, log_);
    if (auto const e = wire_->send(handover::word::commit, {}, patience_))
        return failed(e);
    auto const got = wire_->receive(patience_);
    if (!got)
        return failed(got.error());
    auto const* const word = std::get_if<handover::word>(&got->what);
    if (!word || *word != handover::word::go)
        return failed(detail::handover_error(EBADMSG));
    link_ = std::move(link);
    link_->start(std::move(wire_));
    return {};
}

MAD_DECL bool inheritance::done() const {
    return link_ && link_->over();
}

} // namespace mad::inline MAD_ABI::proxy

#endif
