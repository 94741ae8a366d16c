#ifndef MAD_FLEET_IMPL_DISCOVERY_IPP
#define MAD_FLEET_IMPL_DISCOVERY_IPP

#include <mad/fleet/discovery.hpp>
#include <mad/fleet/redis_store.hpp>
#include <mad/redis/client.hpp>
#include <mad/redis/subscriber.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Nodes that are followed at most: a set that somebody else has filled must not fill us.
inline constexpr std::size_t most_nodes = 4'096;

/// After the end of a lease, so that Redis sees it too.
inline constexpr milliseconds after_lease{20};

} // namespace detail

class discovery::follower {
    /// A handler that does nothing once this is gone.
    template <class Fn>
    auto guarded(Fn fn) {
        return [fn = std::move(fn), alive = std::weak_ptr<int>(alive_)](auto&&... args) mutable {
            if (!alive.expired())
                fn(std::forward<decltype(args)>(args)...);
        };
    }

  public:
    follower(discovery_settings const& s, net::shard& home, handler on_list)
        : settings_(s)
        , on_list_(std::move(on_list))
        , client_(home, s.redis, s.connection)
        , listener_(home, s.redis, s.connection)
        , timer_(home.context()) {
        auto const channel = settings_.prefix + "nodes";
        listener_.subscribe(channel, guarded([this](std::string_view, std::string_view said) {
                                on_message(said);
                            }));
        listener_.on_resubscribed(guarded([this](std::uint64_t) { read(); }));
        client_.on_state(guarded([this](redis::condition const& c) { on_state(c); }));
        client_.connect();
    }

    ~follower() {
        alive_.reset();
        listener_.close();
        client_.close();
    }

  private:
    static time_point now() { return std::chrono::steady_clock::now(); }

    void on_state(redis::condition const& c) {
        bool const up = c.state != redis::state::down;
        if (std::exchange(up_, up) == up)
            return;
        if (up) {
            settings_.log.info("fleet.discovery.connected", {});
            nodes_.keep_until(now() + settings_.lease);
            return read();
        }
        settings_.log.warn("fleet.discovery.lost", {{"why", c.text}});
    }

    void on_message(std::string_view said) {
        constexpr std::string_view left = "left ";
        if (said.starts_with(left)) {
            said.remove_prefix(left.size());
            // What is being read may be older than this.
            if (reading_)
                left_meanwhile_.emplace(said);
            std::weak_ptr<int> const alive = alive_;
            if (nodes_.left(said))
                tell();
            if (alive.expired())
                return;
        }
        read();
    }

    void read() {
        if (!up_)
            return;
        if (std::exchange(reading_, true)) {
            again_ = true;
            return;
        }
        again_ = false;
        redis::command all("ZRANGE", settings_.prefix + "nodes", 0,
                           static_cast<int>(detail::most_nodes) - 1);
        client_.exec(std::move(all), guarded([this](result<redis::reply> r) {
                         if (!r || !r->is_array())
                             return done(r ? error_code(r->code()) : r.error());
                         std::vector<std::string> names;
                         for (auto const& one : r->items())
                             names.emplace_back(one.text());
                         read_each(std::move(names));
                     }));
    }

    void read_each(std::vector<std::string> names) {
        redis::pipeline p;
        for (auto const& name : names) {
            detail::redis_names const keys(settings_.prefix, name);
            p.add("GET", keys.address);
            p.add("PTTL", keys.address);
        }
        if (p.empty())
            return take({});
        client_.exec(std::move(p), guarded([this, names = std::move(names)](
                                               result<std::vector<redis::reply>> const& r) {
                         if (!r)
                             return done(r.error());
                         std::vector<node_directory::entry> all;
                         for (std::size_t i = 0; i < names.size(); ++i) {
                             auto const& text = (*r)[2 * i];
                             auto const& left = (*r)[2 * i + 1];
                             // Of another kind than ours: somebody else has written it.
                             if (text.is_error() && text.code() != redis::error::server)
                                 return done(text.code());
                             if (!text.is_string() || left.is_error() || left.integer() <= 0)
                                 continue; // none, or over just now
                             if (auto n = read_announcement(names[i], text.text()))
                                 all.push_back({std::move(*n), milliseconds(left.integer())});
                         }
                         take(std::move(all));
                     }));
    }

    void take(std::vector<node_directory::entry> all) {
        std::erase_if(all, [&](auto const& e) { return left_meanwhile_.count(e.node.node) != 0; });
        bool const changed = nodes_.read(all, now());
        std::weak_ptr<int> const alive = alive_;
        done({});
        if (changed && !alive.expired())
            tell();
    }

    void tell() {
        auto const list = nodes_.list();
        settings_.log.info("fleet.discovery.nodes", {{"count", list.size()}});
        on_list_(list);
    }

    void done(error_code ec) {
        if (ec)
            settings_.log.debug("fleet.discovery.unread", {{"error", ec.message()}});
        reading_ = false;
        left_meanwhile_.clear();
        if (again_)
            return read();
        auto next = now() + settings_.pace;
        if (auto const end = nodes_.next_end(); !ec && end)
            next = std::clamp(*end + detail::after_lease, now() + detail::after_lease, next);
        timer_.expires_at(next);
        timer_.async_wait(guarded([this](error_code e) {
            if (!e)
                read();
        }));
    }

    discovery_settings const& settings_;
    handler on_list_;
    redis::client client_;
    redis::subscriber listener_;
    boost::asio::steady_timer timer_;
    node_directory nodes_;
    std::set<std::string> left_meanwhile_;
    bool up_ = false, reading_ = false, again_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

MAD_DECL discovery::discovery(discovery_settings s)
    : settings_(std::move(s)) {}

MAD_DECL discovery::~discovery() = default;

MAD_DECL void discovery::start(net::shard& home, handler on_list) {
    follower_ = std::make_unique<follower>(settings_, home, std::move(on_list));
}

MAD_DECL void discovery::stop() {
    follower_.reset();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
