#ifndef MAD_REDIS_DETAIL_GUIDE_HPP
#define MAD_REDIS_DETAIL_GUIDE_HPP

#include <mad/redis/config.hpp>

#include <functional>
#include <string>
#include <utility>

namespace mad::inline MAD_ABI::redis::detail {

/// Knows where to connect. Asked before every attempt.
class guide {
  public:
    /// Where, or why nobody knows, in words too.
    using answer = std::function<void(result<endpoint>, std::string const& text)>;

    virtual ~guide() = default;

    /// Answers once, maybe at once. Asking again forgets the one before.
    virtual void locate(answer) = 0;
    /// Nobody wants to know any more.
    virtual void cancel() = 0;
    /// Whether what is found must be a master.
    virtual bool wants_master() const { return false; }
};

/// One place, always the same; its name is looked up by whoever connects.
class fixed_guide final : public guide {
  public:
    explicit fixed_guide(endpoint e)
        : place_(std::move(e)) {}
    void locate(answer done) override { done(place_, {}); }
    void cancel() override {}

  private:
    endpoint place_;
};

} // namespace mad::inline MAD_ABI::redis::detail

#endif
