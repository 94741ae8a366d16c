#ifndef MAD_SOCKETIO_ACK_HPP
#define MAD_SOCKETIO_ACK_HPP

#include <mad/socketio/encoded.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// Where the answers to a peer's events go: a namespace of a server, or the socket of a client. The
/// numbers are those that the `ack` was made with. From any thread.
class ack_target {
  public:
    virtual std::string_view ack_nsp() const = 0;
    virtual void send_ack(std::uint8_t shard, std::uint32_t slot, std::uint32_t generation,
                          encoded) = 0;

  protected:
    ~ack_target() = default;
};

} // namespace detail

/// Answers an event that asked for it, once: `reply("ok", 1)`. A handler takes one as its last
/// parameter. When the peer did not ask, calls do nothing. May be kept and called later, from any
/// thread; copies share the one answer.
class ack {
  public:
    ack() = default;
    /// `target` outlives it.
    ack(detail::ack_target& target, std::uint8_t shard, std::uint32_t slot,
        std::uint32_t generation, std::uint64_t id)
        : target_(&target)
        , id_(id)
        , slot_(slot)
        , generation_(generation)
        , shard_(shard) {}
    /// `target` keeps what needs to be kept.
    ack(std::shared_ptr<detail::ack_target> target, std::uint8_t shard, std::uint32_t slot,
        std::uint32_t generation, std::uint64_t id)
        : target_(target.get())
        , keep_(std::move(target))
        , id_(id)
        , slot_(slot)
        , generation_(generation)
        , shard_(shard) {}
    ack(std::shared_ptr<detail::ack_target> target, std::uint32_t generation, std::uint64_t id)
        : target_(target.get())
        , keep_(std::move(target))
        , id_(id)
        , generation_(generation) {}
    ack(ack&& o) noexcept = default;
    ack& operator=(ack&& o) noexcept = default;
    ack(ack const& o) { share(o); }
    ack& operator=(ack const& o) {
        if (this != &o)
            share(o);
        return *this;
    }

    /// Whether an answer is wanted and none has been given.
    bool wanted() const { return target_ && !(shared_ ? bool(*shared_) : done_); }

    template <class... Ts>
    void operator()(Ts const&... args) {
        if (take())
            send(encode_packet(packet_type::ack, target_->ack_nsp(), id_, args...));
    }
    void operator()(arguments const& args) {
        if (take())
            send(encode_arguments(packet_type::ack, target_->ack_nsp(), id_, std::nullopt, args));
    }

  private:
    void share(ack const& o) {
        // Only copies cost an allocation: handlers nearly always move the one they are given.
        if (o.target_ && !o.shared_)
            o.shared_ = std::make_shared<std::atomic<bool>>(o.done_);
        target_ = o.target_;
        keep_ = o.keep_;
        id_ = o.id_;
        slot_ = o.slot_;
        generation_ = o.generation_;
        shard_ = o.shard_;
        done_ = o.done_;
        shared_ = o.shared_;
    }

    bool take() {
        if (!wanted())
            return false;
        return shared_ ? !shared_->exchange(true) : !std::exchange(done_, true);
    }

    void send(encoded p) const { target_->send_ack(shard_, slot_, generation_, std::move(p)); }

    detail::ack_target* target_ = nullptr;
    std::shared_ptr<detail::ack_target> keep_;
    mutable std::shared_ptr<std::atomic<bool>> shared_;
    std::uint64_t id_ = 0;
    std::uint32_t slot_ = 0, generation_ = 0;
    std::uint8_t shard_ = 0;
    bool done_ = false;
};

} // namespace mad::inline MAD_ABI::socketio

#endif
