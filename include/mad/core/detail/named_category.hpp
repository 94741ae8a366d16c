#ifndef MAD_CORE_DETAIL_NAMED_CATEGORY_HPP
#define MAD_CORE_DETAIL_NAMED_CATEGORY_HPP

#include <mad/core/error.hpp>

#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::detail {

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor" // the base class has none; nobody deletes one
#endif

/// An error category made of its name and the text of each value.
class named_category final : public error_category {
  public:
    constexpr named_category(char const* name, std::string_view (*describe)(int))
        : name_(name)
        , describe_(describe) {}

    char const* name() const noexcept override { return name_; }

    std::string message(int value) const override { return std::string(describe_(value)); }

  private:
    char const* name_;
    std::string_view (*describe_)(int);
};

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

} // namespace mad::inline MAD_ABI::detail

#endif
