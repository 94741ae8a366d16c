#ifndef MAD_NET_DETAIL_SHARD_EXECUTOR_HPP
#define MAD_NET_DETAIL_SHARD_EXECUTOR_HPP

#include <mad/net/shard.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/require.hpp>

#include <type_traits>
#include <utility>

namespace mad::inline MAD_ABI::net::detail {

/// The executor of an io_context, but one that knows when its shard is serving descriptors: what is
/// dispatched from there runs at once, and not behind everything that the poller brings next. So
/// coroutines start in the order of what they were started for.
template <class Inner = boost::asio::io_context::executor_type, bool MayRunHere = true>
class shard_executor {
  public:
    explicit shard_executor(shard& s)
        : shard_(&s)
        , inner_(s.context().get_executor()) {}
    shard_executor(shard& s, Inner const& i) noexcept
        : shard_(&s)
        , inner_(i) {}

    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
        return shard_->context();
    }

    template <class Property>
    requires boost::asio::can_require<Inner const&, Property>::value auto
    require(Property const& p) const {
        using namespace boost::asio::execution;
        auto next = boost::asio::require(inner_, p);
        constexpr bool here = std::is_same_v<Property, blocking_t::possibly_t> ||
                              (MayRunHere && !std::is_same_v<Property, blocking_t::never_t>);
        return shard_executor<decltype(next), here>(*shard_, next);
    }

    template <class Fn>
    void execute(Fn&& fn) const {
        if (MayRunHere && shard_->here()) {
            auto run = std::forward<Fn>(fn);
            run();
        } else {
            inner_.execute(std::forward<Fn>(fn));
        }
    }

    friend bool operator==(shard_executor const& a, shard_executor const& b) noexcept {
        return a.shard_ == b.shard_ && a.inner_ == b.inner_;
    }
    friend bool operator!=(shard_executor const& a, shard_executor const& b) noexcept {
        return !(a == b);
    }

  private:
    shard* shard_;
    Inner inner_;
};

} // namespace mad::inline MAD_ABI::net::detail

#endif
