#ifndef MAD_BINDINGS_HOSTED_HPP
#define MAD_BINDINGS_HOSTED_HPP

#include <mad/core/clock.hpp>
#include <mad/core/error.hpp>

#include <memory>
#include <string>
#include <unistd.h>

namespace mad_python {

/// A native server with threads of its own, inside a Python process. Started once, stopped at most
/// once. In a child made by fork() its threads do not exist: there it is left alone.
template <class Native>
class hosted {
  public:
    template <class Settings>
    explicit hosted(Settings settings)
        : native_(std::make_unique<Native>(std::move(settings))) {}

    ~hosted() { stop(0); }
    hosted(hosted const&) = delete;
    hosted& operator=(hosted const&) = delete;

    /// Listens and runs. Throws the error of `Native::start`.
    void start() {
        if (!native_ || owner_ != 0)
            throw boost::system::system_error(
                make_error_code(boost::system::errc::operation_not_permitted),
                "a server starts once");
        native_->start().value();
        owner_ = ::getpid();
        url_ = native_->url();
    }

    /// Waits up to `drain_s` seconds for its peers to leave, then ends.
    void stop(double drain_s) {
        if (!native_)
            return;
        if (owner_ != 0 && owner_ != ::getpid()) {
            static_cast<void>(native_.release());
            return;
        }
        if (owner_ != 0)
            native_->stop(mad::milliseconds(static_cast<long>(drain_s * 1000)));
        native_.reset();
    }

    /// Throws once it has ended.
    Native const& native() const {
        if (!native_)
            throw boost::system::system_error(
                make_error_code(boost::system::errc::operation_not_permitted), "it has ended");
        return *native_;
    }

    std::string const& url() const { return url_; }
    bool running() const { return native_ && owner_ == ::getpid(); }

  private:
    std::unique_ptr<Native> native_;
    ::pid_t owner_ = 0;
    std::string url_;
};

} // namespace mad_python

#endif
