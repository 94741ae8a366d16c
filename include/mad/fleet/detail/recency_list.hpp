#ifndef MAD_FLEET_DETAIL_RECENCY_LIST_HPP
#define MAD_FLEET_DETAIL_RECENCY_LIST_HPP

#include <mad/config.hpp>

#include <cstdint>
#include <vector>

namespace mad::inline MAD_ABI::fleet::detail {

/// Small numbers in the order in which they were last touched, the latest first.
class recency_list {
  public:
    static constexpr std::uint32_t none = ~std::uint32_t(0);

    std::uint32_t first() const { return first_; }
    std::uint32_t next(std::uint32_t i) const { return links_[i].next; }

    void touch(std::uint32_t i) {
        if (i >= links_.size())
            links_.resize(i + 1);
        if (first_ == i)
            return;
        remove(i);
        links_[i] = {none, first_, true};
        if (first_ != none)
            links_[first_].before = i;
        first_ = i;
    }

    void remove(std::uint32_t i) {
        if (i >= links_.size() || !links_[i].in)
            return;
        auto const l = links_[i];
        if (l.before == none)
            first_ = l.next;
        else
            links_[l.before].next = l.next;
        if (l.next != none)
            links_[l.next].before = l.before;
        links_[i] = {};
    }

  private:
    struct link {
        std::uint32_t before = none, next = none;
        bool in = false;
    };

    std::vector<link> links_;
    std::uint32_t first_ = none;
};

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
