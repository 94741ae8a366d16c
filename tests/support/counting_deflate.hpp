#ifndef MAD_TESTS_SUPPORT_COUNTING_DEFLATE_HPP
#define MAD_TESTS_SUPPORT_COUNTING_DEFLATE_HPP

#include <mad/net/deflate.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace mad_test {

/// `permessage-deflate` that counts what it compresses and inflates.
class counting_deflate final : public mad::net::message_compression {
  public:
    explicit counting_deflate(mad::net::message_deflate_settings s = {})
        : real_(mad::net::make_message_deflate(s)) {}

    mad::result<std::optional<mad::net::ws_deflate_terms>>
    accept(std::string_view offers) const override {
        return real_->accept(offers);
    }
    std::string offer() const override { return real_->offer(); }
    mad::result<std::optional<mad::net::ws_deflate_terms>>
    judge(std::string_view answer) const override {
        return real_->judge(answer);
    }
    std::unique_ptr<mad::net::message_codec>
    make(mad::net::ws_role role, mad::net::ws_deflate_terms const& t) const override {
        return std::make_unique<codec>(real_->make(role, t), *this);
    }

    mutable std::atomic<int> deflated{0}, inflated{0};

  private:
    struct codec final : mad::net::message_codec {
        codec(std::unique_ptr<mad::net::message_codec> r, counting_deflate const& o)
            : real(std::move(r))
            , owner(o) {}
        mad::result<std::span<char>> inflate(std::string_view m, std::size_t most) override {
            ++owner.inflated;
            return real->inflate(m, most);
        }
        std::optional<std::string_view> deflate(std::string_view m) override {
            ++owner.deflated;
            return real->deflate(m);
        }
        std::size_t threshold() const override { return real->threshold(); }
        bool shared() const override { return real->shared(); }

        std::unique_ptr<mad::net::message_codec> real;
        counting_deflate const& owner;
    };

    std::shared_ptr<mad::net::message_compression const> real_;
};

/// What a compressed message says; fails the test when it is none.
inline std::string inflated(std::string_view message) {
    static auto const real = mad::net::make_message_deflate();
    auto const c = real->make(mad::net::ws_role::client, {true, true});
    auto const text = c->inflate(message, 100'000'000);
    return text ? std::string(text->data(), text->size()) : "not compressed";
}

/// A message as a peer compresses it, whatever its size.
inline std::string deflated(std::string_view message) {
    static auto const real = mad::net::make_message_deflate();
    auto const c = real->make(mad::net::ws_role::client, {true, false});
    return std::string(c->deflate(message).value());
}

} // namespace mad_test

#endif
