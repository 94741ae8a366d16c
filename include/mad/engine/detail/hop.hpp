#ifndef MAD_ENGINE_DETAIL_HOP_HPP
#define MAD_ENGINE_DETAIL_HOP_HPP

#include <mad/net/http/exchange.hpp>
#include <mad/net/shard.hpp>

#include <memory>
#include <unordered_map>

namespace mad::inline MAD_ABI::engine::detail {

/// Exchanges whose request went to another shard, by number; one table a shard. The exchange itself
/// never leaves the shard of its connection: a number goes, and an answer comes back.
class hop_table {
  public:
    std::uint64_t add(net::http::exchange x) {
        auto const id = ++last_;
        waiting_.emplace(id, std::move(x));
        return id;
    }

    net::http::exchange* find(std::uint64_t id) {
        auto const it = waiting_.find(id);
        return it == waiting_.end() ? nullptr : &it->second;
    }

    net::http::exchange take(std::uint64_t id) {
        auto const it = waiting_.find(id);
        if (it == waiting_.end())
            return {};
        auto x = std::move(it->second);
        waiting_.erase(it);
        return x;
    }

  private:
    std::unordered_map<std::uint64_t, net::http::exchange> waiting_;
    std::uint64_t last_ = 0;
};

/// The other end: stands for the connection on the shard where the session lives.
class hop_owner final : public net::http::exchange_owner {
  public:
    hop_owner(net::shard& origin, hop_table& table, std::uint64_t id)
        : origin_(origin)
        , table_(table)
        , id_(id) {}

    void respond(net::http::response&& r) override {
        auto const answer = std::make_shared<net::http::response>(std::move(r));
        origin_.post([&table = table_, id = id_, answer] {
            if (auto x = table.take(id))
                x.respond(std::move(*answer));
        });
        gone();
    }

    net::stream take_stream(std::string&) override { return {}; }

    void abandon() override {
        origin_.post([&table = table_, id = id_] {
            if (auto x = table.take(id))
                x.abandon();
        });
        gone();
    }

    /// The peer of the real connection has gone.
    void peer_gone(int status) {
        if (current_)
            current_->end(status);
        gone();
    }

    std::function<void()> gone = [] {}; ///< forgets this object

  private:
    net::shard& origin_;
    hop_table& table_;
    std::uint64_t id_;
};

} // namespace mad::inline MAD_ABI::engine::detail

#endif
