#include "proxy_host.hpp"

#include "letters.hpp"

#include <mad/net/http/message.hpp>
#include <mad/net/wait.hpp>
#include <mad/proxy/metrics.hpp>

#include <algorithm>
#include <thread>

namespace mad_python {

namespace {

std::size_t threads_of(std::size_t wanted) {
    return wanted > 0 ? wanted : std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

} // namespace

proxy_host::proxy_host(proxy_settings s)
    : settings_(std::move(s.proxy))
    , listen_(s.listen)
    , threads_(threads_of(s.threads), settings_.log)
    , server_(std::make_unique<mad::proxy::server>(threads_.shards(), settings_)) {}

mad::result<void> proxy_host::start() {
    auto const at = server_->listen(listen_);
    if (!at)
        return at.error();
    url_ = mad::net::http::url_of(*at, settings_.tls != nullptr);
    threads_.start();
    server_->wait_until_known(mad::milliseconds(1'500));
    return {};
}

void proxy_host::drain(mad::milliseconds most) const {
    auto in_time = settings_;
    in_time.drain = in_time.drain.within(most);
    static_cast<void>(server_->reload(in_time));
    server_->drain();
    mad::net::wait_until([this] { return server_->connections() == 0; }, most);
}

void proxy_host::stop(mad::milliseconds most) {
    if (most.count() > 0)
        drain(most);
    threads_.stop();
}

void proxy::stop(double drain_s) {
    if (running()) { // else it has no threads, and after a fork nobody who would give the lock back
        if (drain_s > 0) {
            std::shared_lock const lock(life_);
            if (running())
                native().drain(mad::milliseconds(static_cast<long>(drain_s * 1000)));
        }
        std::unique_lock const lock(life_);
        hosted::stop(0);
        return;
    }
    hosted::stop(0);
}

void proxy::add(std::string const& url) {
    std::shared_lock const lock(life_);
    auto const upstream = mad::proxy::parse_upstream(url);
    if (!upstream)
        refuse(upstream.error().message);
    if (upstream->secure && !native().reaches_tls())
        refuse(
            "it was made without TLS for upstreams: give it a ca_file, or an https one at first");
    native().pool().put(*upstream).value();
}

void proxy::remove(std::string const& name, bool force) {
    std::shared_lock const lock(life_);
    using mad::proxy::removal;
    native().pool().remove(name, force ? removal::at_once : removal::if_empty).value();
}

void proxy::drain(std::string const& name) {
    std::shared_lock const lock(life_);
    native().pool().drain(name).value();
}

void proxy::undrain(std::string const& name) {
    std::shared_lock const lock(life_);
    native().pool().undrain(name).value();
}

void proxy::rebalance() {
    std::shared_lock const lock(life_);
    native().pool().rebalance();
}

std::string proxy::upstreams() const {
    std::shared_lock const lock(life_);
    auto const now = mad::system_clock::instance().now();
    std::string out = "[";
    for (auto const& one : native().pool().status()) {
        if (out.size() > 1)
            out += ',';
        mad::proxy::append_upstream(out, one, now);
    }
    return out + "]";
}

} // namespace mad_python
