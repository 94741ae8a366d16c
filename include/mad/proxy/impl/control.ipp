#ifndef MAD_PROXY_IMPL_CONTROL_IPP
#define MAD_PROXY_IMPL_CONTROL_IPP

#include <mad/core/ids.hpp>
#include <mad/net/http/client.hpp>
#include <mad/proxy/control.hpp>
#include <mad/proxy/proxy_protocol.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// A tenth more or less, so that many proxies do not ask all at once.
inline duration jittered(duration d) {
    std::array<std::uint8_t, 1> dice;
    fill_random(dice);
    return d * (230 + dice[0] % 52) / 256;
}

} // namespace detail

template <class Fn>
auto control::with_pool(Fn fn) {
    if constexpr (std::is_void_v<decltype(fn(pool_))>) {
        {
            std::lock_guard const lock(mutex_);
            fn(pool_);
        }
        changed();
    } else {
        std::unique_lock lock(mutex_);
        auto out = fn(pool_);
        lock.unlock();
        changed();
        return out;
    }
}

/// Asks one upstream how it is, again and again, and looks its name up. On the home shard.
class control::prober {
  public:
    prober(control& c, std::uint32_t id, upstream to, health_settings how)
        : control_(c)
        , id_(id)
        , to_(std::move(to))
        , how_(std::move(how))
        , engine_path_(c.settings_.engine_path)
        , check_(how_.path, engine_path_)
        , timer_(c.home_.context())
        , names_(c.home_.context()) {
        look_up();
        probe();
    }

    void set(health_settings how, std::string const& engine_path) {
        if (how.path != how_.path || engine_path != engine_path_)
            check_ = health_check(how.path, engine_path);
        engine_path_ = engine_path;
        how_ = std::move(how);
    }
    /// What changes of an upstream that stays the same one.
    void set(upstream const& to) { to_.proxy_protocol = to.proxy_protocol; }

  private:
    /// A handler that does nothing once this is gone.
    template <class Fn>
    auto guarded(Fn fn) {
        return [fn = std::move(fn), alive = std::weak_ptr<int>(alive_)](auto&&... args) mutable {
            if (!alive.expired())
                fn(std::forward<decltype(args)>(args)...);
        };
    }

    void look_up() {
        looked_up_ = std::chrono::steady_clock::now();
        error_code literal;
        auto const address = boost::asio::ip::make_address(to_.host, literal);
        if (!literal)
            return found({{address, to_.port}});
        if (std::exchange(looking_up_, true))
            return;
        names_.async_resolve(
            to_.host, std::to_string(to_.port),
            guarded([this](error_code ec, boost::asio::ip::tcp::resolver::results_type const& r) {
                looking_up_ = false;
                if (ec) // what was found before may still be right
                    return control_.settings_.log.debug(
                        "proxy.upstream.lookup", {{"upstream", to_.name}, {"error", ec.message()}});
                std::vector<boost::asio::ip::tcp::endpoint> all;
                for (auto const& entry : r)
                    if (std::find(all.begin(), all.end(), entry.endpoint()) == all.end())
                        all.push_back(entry.endpoint());
                found(std::move(all));
            }));
    }

    void found(std::vector<boost::asio::ip::tcp::endpoint> all) {
        control_.with_pool([&](pool& p) { p.set_addresses(id_, std::move(all)); });
    }

    net::dial_settings dialing() const {
        net::dial_settings s;
        s.timeout = how_.timeout;
        s.tls = control_.settings_.tls;
        // Who demands a PROXY header closes a connection without one.
        if (to_.proxy_protocol != 0)
            append_proxy_header_local(s.preamble, static_cast<unsigned>(to_.proxy_protocol));
        return s;
    }

    void probe() {
        asked_ = std::chrono::steady_clock::now();
        ask();
    }

    void ask() {
        auto const path = check_.target();
        if (path.empty())
            return connect("");
        // A new connection each time: whether one can be made is part of the question.
        net::http::client_settings s;
        s.to = {to_.host, to_.port, to_.secure};
        s.dial = dialing();
        s.limits.max_body_bytes = 1024 * 1024;
        s.authority = to_.authority();
        client_ = std::make_unique<net::http::client>(control_.home_, std::move(s));
        net::http::client_request request;
        request.target = path;
        request.set("User-Agent", "mad-proxy");
        client_->request(std::move(request), how_.timeout,
                         [this](result<net::http::client_response> r) {
                             control_.home_.reap(std::move(client_));
                             if (r)
                                 return judge(check_.on_answer(r->status, r->body));
                             auto why = r.error().message();
                             if (check_.connecting_counts())
                                 return connect(std::move(why));
                             judge(check_.on_silence(false, std::move(why)));
                         });
    }

    /// Whether a connection comes about; `why` is what went wrong with more.
    void connect(std::string why) {
        dialer_ = std::make_unique<net::dialer>(control_.home_, dialing());
        dialer_->start({to_.host, to_.port, to_.secure},
                       [this, why = std::move(why)](result<net::stream> r) mutable {
                           control_.home_.reap(std::move(dialer_));
                           if (!r)
                               why = r.error().message();
                           judge(check_.on_silence(r.has_value(), std::move(why)));
                       });
    }

    void judge(probe_result const& r) {
        if (r.what == probe_result::kind::ask_again)
            return ask();
        bool const failed = r.what == probe_result::kind::failed;
        failures_ = failed ? failures_ + 1 : 0;
        auto const now = std::chrono::steady_clock::now();
        // Its name may lead elsewhere by now.
        if (now - looked_up_ >= (failed ? how_.interval : how_.lookup))
            look_up();
        // A first failure is looked into soon: two of them are due within 5 s.
        bool const soon = failed && failures_ < how_.fall;
        auto const gap = soon ? how_.interval / 4 : how_.interval;
        auto const next = soon ? now + gap : std::max(asked_ + gap, now + gap / 10);
        timer_.expires_after(detail::jittered(next - now));
        timer_.async_wait(guarded([this](error_code ec) {
            if (!ec)
                probe();
        }));
        control_.with_pool([&](pool& p) { p.on_probe(id_, r, control_.now()); });
    }

    control& control_;
    std::uint32_t id_;
    upstream to_;
    health_settings how_;
    std::string engine_path_;
    health_check check_;
    boost::asio::steady_timer timer_;
    boost::asio::ip::tcp::resolver names_;
    std::unique_ptr<net::http::client> client_;
    std::unique_ptr<net::dialer> dialer_;
    unsigned failures_ = 0;
    bool looking_up_ = false;
    std::chrono::steady_clock::time_point asked_{}, looked_up_{};
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

MAD_DECL control::control(net::shard& home, control_settings s)
    : home_(home)
    , settings_(std::move(s))
    , pool_(settings_.health, settings_.drain, settings_.cookies, settings_.time->now())
    , timer_(home.context()) {}

MAD_DECL control::~control() {
    stop();
}

MAD_DECL void control::start(events e) {
    events_ = std::move(e);
    home_.post([this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired())
            return;
        {
            std::lock_guard const lock(mutex_);
            running_ = true;
        }
        settle();
    });
}

MAD_DECL void control::stop() {
    {
        std::lock_guard const lock(mutex_);
        running_ = false;
        alive_.reset();
    }
    timer_.cancel();
    probers_.clear();
}

MAD_DECL void control::changed() {
    std::weak_ptr<int> alive;
    {
        std::lock_guard const lock(mutex_);
        if (!alive_ || std::exchange(posted_, true))
            return;
        alive = alive_;
    }
    home_.post([this, alive] {
        if (!alive.expired())
            settle();
    });
}

/// Everything that follows from what the pool knows now. On the home shard.
MAD_DECL void control::settle() {
    std::vector<pool_event> happened;
    std::vector<shed_order> sheds;
    view_ptr seen;
    time_point next;
    {
        std::lock_guard const lock(mutex_);
        posted_ = false;
        if (!running_)
            return;
        next = pool_.tick(now());
        seen = pool_.view(now());
        happened = pool_.take_events();
        sheds = pool_.take_sheds();
    }
    std::weak_ptr<int> const alive = alive_;
    tell(happened);
    look_after(seen->targets());
    timer_.expires_after(std::max<duration>(next - now(), milliseconds(1)));
    timer_.async_wait([this, alive](error_code ec) {
        if (!ec && !alive.expired())
            settle();
    });
    // Who is called may stop us.
    if (std::exchange(told_, seen) != seen && events_.view)
        events_.view(seen);
    for (auto const& e : happened)
        if (e.what == pool_event::kind::cut && events_.cut && !alive.expired())
            events_.cut(e.id);
    for (auto const& order : sheds)
        if (events_.shed && !alive.expired())
            events_.shed(order);
}

MAD_DECL void control::look_after(std::vector<std::shared_ptr<target const>> const& targets) {
    std::erase_if(probers_, [&](auto const& p) {
        return std::none_of(targets.begin(), targets.end(),
                            [&](auto const& t) { return t->id == p.first; });
    });
    for (auto const& t : targets)
        if (auto& p = probers_[t->id]; !p)
            p = std::make_unique<prober>(*this, t->id, t->to, settings_.health);
        else
            p->set(t->to);
}

MAD_DECL void control::tell(std::vector<pool_event> const& happened) const {
    using kind = pool_event::kind;
    for (auto const& e : happened) {
        auto const name = "proxy.upstream." + std::string(to_string(e.what));
        switch (e.what) {
        case kind::panic:
            settings_.log.error("proxy.panic", {{"why", e.why}});
            break;
        case kind::panic_over:
            settings_.log.info("proxy.panic_over", {});
            break;
        case kind::cut:
            settings_.log.debug(name, {{"upstream", e.name}});
            break;
        case kind::down:
        case kind::held:
        case kind::not_ready:
            settings_.log.warn(name, {{"upstream", e.name}, {"why", e.why}});
            break;
        default:
            if (e.why.empty())
                settings_.log.info(name, {{"upstream", e.name}});
            else
                settings_.log.info(name, {{"upstream", e.name}, {"why", e.why}});
        }
    }
}

MAD_DECL control::view_ptr control::view() const {
    std::lock_guard const lock(mutex_);
    return pool_.view(now());
}

MAD_DECL std::vector<upstream_status> control::status() const {
    std::lock_guard const lock(mutex_);
    return pool_.status(now());
}

MAD_DECL result<void> control::put(upstream u) {
    return with_pool([&](pool& p) -> result<void> {
        if (auto const id = p.put(std::move(u), now()); !id)
            return id.error();
        return {};
    });
}

MAD_DECL result<void> control::remove(std::string_view name, removal how) {
    return with_pool([&](pool& p) { return p.remove(name, how, now()); });
}

MAD_DECL result<void> control::drain(std::string_view name) {
    return with_pool([&](pool& p) { return p.drain(name, now()); });
}

MAD_DECL result<void> control::undrain(std::string_view name) {
    return with_pool([&](pool& p) { return p.undrain(name, now()); });
}

MAD_DECL void control::rebalance() {
    with_pool([&](pool& p) { p.rebalance(now()); });
}

MAD_DECL void control::connect_failed(std::uint32_t id) {
    with_pool([&](pool& p) { p.on_connect_failed(id, now()); });
}

MAD_DECL void control::restore(std::string_view name, upstream_state s) {
    with_pool([&](pool& p) { p.restore(name, s, now()); });
}

MAD_DECL control::upstream_list& control::list_of(std::string const& source) {
    auto const at = std::find_if(lists_.begin(), lists_.end(),
                                 [&](auto const& l) { return l.source == source; });
    return at != lists_.end() ? *at : lists_.emplace_back(upstream_list{source, {}, {}});
}

/// What counts of that name, with what the others know of the same server.
MAD_DECL std::optional<listed_upstream> control::first_listed(std::string const& name) const {
    std::optional<listed_upstream> out;
    for (auto const& l : lists_) {
        auto const at = l.all.find(name);
        if (at == l.all.end())
            continue;
        auto const& other = at->second;
        if (!out) {
            out = other;
        } else if (other.to.same_server(out->to)) {
            out->draining = out->draining || other.draining;
            if (!out->to.node_tag)
                out->to.node_tag = other.to.node_tag;
        }
    }
    return out;
}

MAD_DECL void control::set_list(std::string const& source, std::vector<listed_upstream> list) {
    std::vector<std::string> refused;
    std::vector<std::pair<upstream, upstream>> outdone; // who is not taken, and for whom
    with_pool([&](pool& p) {
        auto& mine = list_of(source);
        auto const before = std::exchange(mine.all, {});
        for (auto& l : list) {
            auto const name = l.to.name;
            mine.all.insert_or_assign(name, std::move(l));
        }
        std::set<std::string> names;
        for (auto const* const some : {&before, &std::as_const(mine.all)})
            for (auto const& [name, l] : *some)
                names.insert(name);
        for (auto const& name : names) {
            auto counts = first_listed(name);
            auto const id = counts ? p.put(counts->to, now()) : result<std::uint32_t>(0);
            if (counts && !id) {
                refused.push_back(name);
                mine.all.erase(name);
                counts = first_listed(name);
            }
            if (!counts)
                (void)p.remove(name, removal::drain_first, now());
            else if (id)
                p.set_announced_drain(*id, counts->draining, now());
        }
        // Also of the others: this list may have come between them and their names.
        for (auto& l : lists_) {
            std::erase_if(l.outdone, [&](auto const& name) { return !l.all.contains(name); });
            for (auto const& [name, entry] : l.all) {
                auto const counts = first_listed(name);
                if (counts->to.same_server(entry.to))
                    l.outdone.erase(name);
                else if (l.outdone.insert(name).second)
                    outdone.emplace_back(entry.to, counts->to);
            }
        }
    });
    for (auto const& [no, yes] : outdone)
        settings_.log.warn("proxy.upstream.name_taken",
                           {{"upstream", no.name},
                            {"ignored", no.url()},
                            {"kept", yes.url()},
                            {"remedy", "give one of them another name"}});
    for (auto const& name : refused)
        settings_.log.warn("proxy.upstream.refused",
                           {{"upstream", name},
                            {"source", source},
                            {"why", error_code(pool_error::bad_upstream).message()}});
}

MAD_DECL cookie_signer control::cookies() const {
    std::lock_guard const lock(mutex_);
    return settings_.cookies;
}

MAD_DECL void control::set_cookies(cookie_signer const& s) {
    with_pool([&](pool& p) {
        settings_.cookies = s;
        p.set_cookies(s);
    });
}

MAD_DECL void control::set(health_settings health, drain_settings drain,
                           std::shared_ptr<net::cipher_dialer> tls) {
    std::weak_ptr<int> alive;
    with_pool([&](pool& p) {
        p.set(health, drain);
        alive = alive_;
    });
    home_.post([this, health, tls = std::move(tls), alive] {
        if (alive.expired())
            return;
        settings_.health = health;
        settings_.tls = tls;
        for (auto& [id, p] : probers_)
            p->set(health, settings_.engine_path);
    });
}

MAD_DECL void control::set_engine_path(std::string path) {
    std::weak_ptr<int> alive;
    {
        std::lock_guard const lock(mutex_);
        alive = alive_;
    }
    home_.post([this, path = std::move(path), alive] {
        if (alive.expired())
            return;
        settings_.engine_path = path;
        for (auto& [id, p] : probers_)
            p->set(settings_.health, path);
    });
}

} // namespace mad::inline MAD_ABI::proxy

#endif
