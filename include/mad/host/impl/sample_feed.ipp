#ifndef MAD_HOST_IMPL_SAMPLE_FEED_IPP
#define MAD_HOST_IMPL_SAMPLE_FEED_IPP

#include <mad/core/error.hpp>
#include <mad/host/delta.hpp>
#include <mad/host/sample_feed.hpp>
#include <mad/host/tick_grid.hpp>

#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <stdexcept>
#include <utility>

namespace mad::inline MAD_ABI::host {

struct sample_feed::state : std::enable_shared_from_this<state> {
    /// Between the two readings that the rates of the first sample need.
    static constexpr milliseconds first_rates{300};

    state(boost::asio::any_io_executor const& executor, sampler_settings settings, callback fn)
        : interval(settings.interval)
        , source(std::move(settings))
        , timer(executor)
        , on_sample(std::move(fn)) {}

    void wait(time_point at) {
        timer.expires_at(at);
        // The feed may be destroyed, or stopped and started again, while this is on its way.
        timer.async_wait([weak = weak_from_this(), now_on = round](error_code ec) {
            auto const self = weak.lock();
            if (!ec && self && self->running && self->round == now_on)
                self->tick();
        });
    }

    void tick() {
        auto const& taken = source.take();
        auto const now = std::chrono::steady_clock::now();
        if (!grid) {
            grid = tick_grid::at_random(now, interval);
            if (grid->due() < now + min_rate_time)
                grid->advance(grid->due());
        } else {
            skipped += grid->advance(now + min_rate_time); // before that there are no rates
        }
        wait(grid->due()); // before the callback, which may throw
        on_sample(taken);
    }

    milliseconds const interval;
    sampler source;
    boost::asio::steady_timer timer;
    callback on_sample;
    std::optional<tick_grid> grid;
    std::uint64_t skipped = 0;
    unsigned round = 0;
    bool running = false;
};

MAD_DECL sample_feed::sample_feed(boost::asio::any_io_executor executor, sampler_settings settings,
                                  callback on_sample) {
    if (settings.interval < min_interval)
        throw std::invalid_argument("interval: must be at least 200ms");
    if (!on_sample)
        throw std::invalid_argument("on_sample: must be callable");
    state_ =
        std::make_shared<state>(std::move(executor), std::move(settings), std::move(on_sample));
}

MAD_DECL sample_feed::~sample_feed() {
    if (state_)
        stop();
}

MAD_DECL sample_feed::sample_feed(sample_feed&&) noexcept = default;

MAD_DECL sample_feed& sample_feed::operator=(sample_feed&& other) noexcept {
    if (this != &other) {
        if (state_)
            stop();
        state_ = std::move(other.state_);
    }
    return *this;
}

MAD_DECL void sample_feed::start() {
    auto& s = *state_;
    if (std::exchange(s.running, true))
        return;
    ++s.round;
    s.grid.reset();
    s.source.take();
    s.wait(std::chrono::steady_clock::now() + state::first_rates);
}

MAD_DECL void sample_feed::stop() {
    state_->running = false;
    state_->timer.cancel();
}

MAD_DECL bool sample_feed::running() const {
    return state_->running;
}

MAD_DECL std::uint64_t sample_feed::skipped() const {
    return state_->skipped;
}

} // namespace mad::inline MAD_ABI::host

#endif
