#ifndef MAD_HOST_SAMPLE_FEED_HPP
#define MAD_HOST_SAMPLE_FEED_HPP

#include <mad/host/sampler.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <memory>

/// The one header of this room that needs Asio, and of it a timer alone.
namespace mad::inline MAD_ABI::host {

/// Takes samples by itself and hands them over.
///
/// The first comes about 300 ms after the start, since rates need two readings. From there on they
/// come at even times, `sampler_settings::interval` apart, that begin at random within one
/// interval: machines that start together do not sample together. A time that was missed, because a
/// callback or the machine took long, is left out; there is never a burst. A tick allocates nothing
/// once the lists of the sample have reached their size.
///
/// All members but the constructor are called where the executor runs, one at a time, and so is the
/// callback; it may stop, start again or destroy the feed. Destroying it is enough to end it.
class sample_feed {
  public:
    /// The sample stays good until the callback returns. What the callback throws leaves the
    /// executor's `run`, and the feed goes on.
    using callback = std::function<void(sample const&)>;

    /// Least time between samples. Counters need half of it to have moved enough for a rate, and a
    /// reading may be late.
    static constexpr milliseconds min_interval{200};

    /// Throws std::invalid_argument when the interval is below `min_interval`.
    sample_feed(boost::asio::any_io_executor executor, sampler_settings settings,
                callback on_sample);
    ~sample_feed();
    sample_feed(sample_feed&&) noexcept;
    sample_feed& operator=(sample_feed&&) noexcept;

    /// Takes the reading that starts the rates, at once. Nothing when it runs already.
    void start();

    /// No callback comes after this; `start` begins anew.
    void stop();

    bool running() const;

    /// Times that were left out so far.
    std::uint64_t skipped() const;

  private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/sample_feed.ipp>
#endif

#endif
