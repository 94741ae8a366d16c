#ifndef MAD_REDIS_DETAIL_SENTINEL_GUIDE_HPP
#define MAD_REDIS_DETAIL_SENTINEL_GUIDE_HPP

#include <mad/redis/detail/guide.hpp>
#include <mad/redis/detail/sentinel_list.hpp>
#include <mad/redis/detail/wire.hpp>

#include <functional>
#include <memory>
#include <string>

namespace mad::inline MAD_ABI::redis::detail {

/// Asks the sentinels for the master, one after the other. The one that answers is kept and
/// listened to: it tells of a failover as soon as it is over.
class sentinel_guide final : public guide, public wire::events {
  public:
    /// `switched` is called when a sentinel tells that the master is another one now.
    sentinel_guide(net::shard&, settings const&, config const&, std::function<void()> switched);
    ~sentinel_guide() override;

    void locate(answer) override;
    void cancel() override;
    bool wants_master() const override { return true; }

    /// Whom the sentinel named is no master: another one is asked first the next time.
    void misled() { list_.misled(); }

  private:
    void on_up(server_info const&) override;
    void on_reply(reply&) override;
    void on_down(error_code why, std::string const& text, bool was_up) override;
    void on_heard() override;

    void ask_next();
    void drop();
    void on_silence();

    net::shard& shard_;
    settings const& settings_;
    config const& config_;
    std::function<void()> switched_;
    sentinel_list list_;
    std::unique_ptr<wire> wire_;
    answer done_; // empty: nobody waits
    std::string last_text_;
    error_code last_why_;
    net::deadline limit_, silence_;
    std::size_t answers_ = 0; // of the sentinel that is asked
    bool pinged_ = false;
};

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/sentinel_guide.ipp>
#endif

#endif
