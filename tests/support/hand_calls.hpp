#ifndef MAD_TESTS_SUPPORT_HAND_CALLS_HPP
#define MAD_TESTS_SUPPORT_HAND_CALLS_HPP

#include "hand_driven.hpp"

#include <mad/net/shard.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace mad_test::hand {

/// Answers that are awaited, each exactly once.
class questions {
  public:
    /// Room for one more; whoever answers adds one.
    int& ask() { return answers_.emplace_back(0); }
    std::size_t asked() const { return answers_.size(); }
    /// Empty: each has been answered once.
    std::string wrong() const {
        std::string out;
        for (std::size_t i = 0; i < answers_.size(); ++i)
            if (answers_[i] != 1)
                out += "question " + std::to_string(i) + " answered " +
                       std::to_string(answers_[i]) + " times; ";
        return out;
    }

  private:
    std::deque<int> answers_;
};

/// What the worlds of programs that connect to others have in common: the loop, and the far ends of
/// the connections they have opened, in order.
class calling_world {
  public:
    calling_world() {
        mad::net::shard::of(ctx_); // its own descriptor is none of a peer's
    }

    void send(unsigned who, std::string_view text) {
        if (who < calls_.size())
            calls_[who].send(text);
    }
    void half_close(unsigned who) {
        if (who < calls_.size())
            calls_[who].half_close();
    }
    void close(unsigned who) {
        if (who < calls_.size())
            calls_[who].close();
    }
    void turn() {
        restless_ = restless_ || !settle(ctx_);
        for (auto& p : take_calls())
            if (calls_.size() < 64)
                calls_.push_back(std::move(p)); // further ones are closed at once
        for (auto& p : calls_)
            p.read();
    }
    void advance(std::chrono::milliseconds by) {
        advance_clock(by);
        turn();
    }
    std::vector<peer>& calls() { return calls_; }
    std::string filled(unsigned, std::string_view text) const { return std::string(text); }

  protected:
    /// So many virtual seconds, while connections come and go.
    void pass(int steps, std::chrono::seconds each) {
        for (int i = 0; i < steps; ++i)
            advance(each);
    }
    void hang_up() {
        for (auto& p : calls_)
            p.close();
        turn();
    }

    boost::asio::io_context ctx_{1};
    std::vector<peer> calls_;
    bool restless_ = false;
};

} // namespace mad_test::hand

#endif
