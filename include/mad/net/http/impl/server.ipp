#ifndef MAD_NET_HTTP_IMPL_SERVER_IPP
#define MAD_NET_HTTP_IMPL_SERVER_IPP

#include <mad/net/http/server.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace mad::inline MAD_ABI::net::http {

/// Counts connections until their descriptors are closed, wherever their streams have gone.
struct server::ledger : std::enable_shared_from_this<ledger> {
    explicit ledger(address_limits_settings const& s)
        : addresses(s) {}

    /// `counted`: `addresses` has let it in.
    std::shared_ptr<void const> enter(boost::asio::ip::address const& peer, bool counted) {
        struct lease {
            lease(std::shared_ptr<ledger> l, boost::asio::ip::address const& p, bool c)
                : book(std::move(l))
                , peer(p)
                , by_address(c) {
                book->open.fetch_add(1, std::memory_order_relaxed);
            }
            lease(lease const&) = delete;
            ~lease() {
                book->open.fetch_sub(1, std::memory_order_relaxed);
                if (by_address)
                    book->addresses.leave(peer);
            }
            std::shared_ptr<ledger> book;
            boost::asio::ip::address peer;
            bool by_address;
        };
        return std::make_shared<lease>(shared_from_this(), peer, counted);
    }

    address_limits addresses;
    std::atomic<std::size_t> open{0};
};

MAD_DECL std::size_t server::connections() const {
    return ledger_->open.load(std::memory_order_relaxed);
}

class server::part final : public connection_owner {
  public:
    part(server& s, shard& sh)
        : server_(s)
        , shard_(sh)
        , tls(s.settings_.tls) {}

    void release(connection& c) override {
        auto const slot = c.slot;
        auto dying = std::move(connections_[slot]);
        if (slot + 1 != connections_.size()) {
            connections_[slot] = std::move(connections_.back());
            connections_[slot]->slot = slot;
        }
        connections_.pop_back();
        shard_.reap(std::move(dying));
    }

    void refused(int status) override { server_.counters_.refuse(status); }
    limits const& http_limits() const override { return server_.settings_.limits; }
    router const& routes() const override { return server_.routes_; }
    diverter* elsewhere() const override { return server_.settings_.elsewhere.get(); }

    void add(stream s, boost::asio::ip::address const& peer) {
        if (phase_ == phase::closed)
            return; // it was on its way from the shard that accepts
        auto c = std::make_unique<connection>(shard_, *this, std::move(s), peer);
        c->slot = connections_.size();
        if (!c->start())
            return;
        connections_.push_back(std::move(c));
        if (phase_ == phase::draining)
            connections_.back()->drain();
    }

    enum class phase : std::uint8_t { open, draining, closed };

    server& server_;
    shard& shard_;
    std::shared_ptr<cipher_factory> tls;
    std::vector<std::unique_ptr<acceptor>> acceptors;
    std::vector<acceptor*> adopted; // of these
    std::vector<std::unique_ptr<connection>> connections_;
    phase phase_ = phase::open;
};

MAD_DECL server::server(std::vector<shard*> shards, router r, server_settings s)
    : routes_(std::move(r))
    , settings_(std::move(s))
    , ledger_(std::make_shared<ledger>(settings_.addresses)) {
    for (auto* const sh : shards)
        parts_.push_back(std::make_unique<part>(*this, *sh));
}

MAD_DECL server::~server() = default;

MAD_DECL result<boost::asio::ip::tcp::endpoint>
server::listen(boost::asio::ip::tcp::endpoint const& wanted) {
    if (auto const busy = probe_listener(wanted))
        return busy;
    auto at = wanted;
    std::vector<int> fds;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        auto const fd = open_listener(at, parts_.size() > 1);
        if (!fd) {
            for (int const other : fds)
                ::close(other);
            return fd.error();
        }
        fds.push_back(*fd);
        auto const bound = local_endpoint(*fd);
        if (!bound) {
            for (int const other : fds)
                ::close(other);
            return bound.error();
        }
        at = *bound; // the others join the port that the first was given
    }
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        auto& p = *parts_[i];
        p.shard_.dispatch([this, &p, fd = fds[i]] {
            p.acceptors.push_back(std::make_unique<acceptor>(
                p.shard_, fd,
                [this, &p](int c, boost::asio::ip::address const& peer) { accepted(p, c, peer); }));
            if (auto const e = p.acceptors.back()->start())
                settings_.log.error("http.listen.failed", {{"error", e.message()}});
        });
    }
    return at;
}

MAD_DECL result<boost::asio::ip::tcp::endpoint> server::adopt(int fd) {
    auto at = local_endpoint(fd);
    if (!at)
        return at.error();
    accept_for_all(fd, true);
    return at;
}

MAD_DECL error_code server::listen_unix(std::string const& path, unix_taken taken) {
    auto made = open_unix_listener(path, taken);
    if (!made)
        return made.error();
    files_.push_back(std::move(made->file));
    accept_for_all(made->fd, false);
    return {};
}

/// One socket for all shards: the first accepts and hands the connections round.
MAD_DECL void server::accept_for_all(int fd, bool adopted) {
    auto& first = *parts_.front();
    first.shard_.dispatch([this, &first, fd, adopted] {
        auto h = [this](int c, boost::asio::ip::address const& peer) { take(c, peer); };
        first.acceptors.push_back(std::make_unique<acceptor>(first.shard_, fd, std::move(h)));
        if (adopted)
            first.adopted.push_back(first.acceptors.back().get());
        if (auto const e = first.acceptors.back()->start())
            settings_.log.error("http.listen.failed", {{"error", e.message()}});
    });
}

MAD_DECL void server::take(int fd, boost::asio::ip::address const& peer) {
    auto& p = *parts_[next_part_.fetch_add(1, std::memory_order_relaxed) % parts_.size()];
    p.shard_.dispatch([this, &p, fd, peer] { accepted(p, fd, peer); });
}

MAD_DECL void server::leave_adopted() {
    auto& first = *parts_.front();
    first.shard_.dispatch([&first] {
        for (auto* const a : first.adopted)
            a->stop();
    });
}

MAD_DECL void server::accepted(part& p, int fd, boost::asio::ip::address const& peer) {
    auto const refuse = [&](std::string_view why, std::string_view answer) {
        settings_.log.warn("http.connection.refused", {{"why", why}, {"peer", peer.to_string()}});
        // Best effort: a peer that speaks TLS, or has sent nothing yet, only sees the close.
        if (!p.tls) [[maybe_unused]]
            auto const n = ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        ::close(fd);
    };
    if (connections() >= settings_.max_connections) {
        counters_.over_limit.fetch_add(1, std::memory_order_relaxed);
        return refuse("max_connections", "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
                                         "Content-Length: 0\r\nConnection: close\r\n\r\n");
    }
    bool const counted = !settings_.trust.has(peer);
    if (counted && !ledger_->addresses.enter(peer, std::chrono::steady_clock::now())) {
        counters_.over_address.fetch_add(1, std::memory_order_relaxed);
        return refuse("address", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\n"
                                 "Content-Length: 0\r\nConnection: close\r\n\r\n");
    }
    // The stream owns the descriptor before anything can throw.
    stream plain(fd, nullptr, ledger_->enter(peer, counted));
    p.add(p.tls ? std::move(plain).with(p.tls->accept()) : std::move(plain), peer);
}

MAD_DECL void server::set_tls(std::shared_ptr<cipher_factory> f) {
    for (auto& p : parts_)
        p->shard_.dispatch([&p = *p, f] { p.tls = f; });
}

MAD_DECL void server::drain() {
    for (auto& p : parts_)
        p->shard_.dispatch([&p = *p] {
            p.phase_ = std::max(p.phase_, part::phase::draining);
            for (auto& a : p.acceptors)
                a->stop();
            for (std::size_t i = p.connections_.size(); i-- > 0;)
                if (i < p.connections_.size())
                    p.connections_[i]->drain();
        });
}

MAD_DECL void server::close() {
    for (auto& p : parts_)
        p->shard_.dispatch([&p = *p] {
            p.phase_ = part::phase::closed;
            // Not destroyed at once: the poller may hold one more event for them.
            for (auto& a : p.acceptors) {
                a->close();
                p.shard_.reap(std::move(a));
            }
            p.acceptors.clear();
            for (std::size_t i = p.connections_.size(); i-- > 0;)
                if (i < p.connections_.size())
                    p.connections_[i]->close();
        });
}

} // namespace mad::inline MAD_ABI::net::http

#endif
