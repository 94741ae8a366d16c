#ifndef MAD_SOCKETIO_ACK_HPP
#define MAD_SOCKETIO_ACK_HPP

#include <mad/socketio/encoded.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace mad::inline MAD_ABI::socketio {

namespace detail {
class nsp_core;
}

/// Answers an event that asked for it, once: `reply("ok", 1)`. A handler takes one as its last
/// parameter. When the peer did not ask, calls do nothing. May be kept and called later, from any
/// thread; copies share the one answer.
class ack {
  public:
    ack() = default;
    ack(detail::nsp_core& n, std::uint8_t shard, std::uint32_t slot, std::uint32_t generation,
        std::uint64_t id)
        : nsp_(&n), id_(id), slot_(slot), generation_(generation), shard_(shard) {}
    ack(ack&& o) noexcept = default;
    ack& operator=(ack&& o) noexcept = default;
    ack(ack const& o) { share(o); }
    ack& operator=(ack const& o) {
        if (this != &o)
            share(o);
        return *this;
    }

    /// Whether an answer is wanted and none has been given.
    bool wanted() const { return nsp_ && !(shared_ ? *shared_ : done_); }

    template <class... Ts>
    void operator()(Ts const&... args) {
        if (take())
            send(encode_packet(packet_type::ack, nsp_name(), id_, args...));
    }
    void operator()(arguments const& args) {
        if (take())
            send(encode_arguments(packet_type::ack, nsp_name(), id_, std::nullopt, args));
    }

  private:
    void share(ack const& o) {
        // Only copies cost an allocation: handlers nearly always move the one they are given.
        if (o.nsp_ && !o.shared_)
            o.shared_ = std::make_shared<bool>(o.done_);
        nsp_ = o.nsp_;
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
        (shared_ ? *shared_ : done_) = true;
        return true;
    }

    std::string_view nsp_name() const;
    void send(encoded) const;

    detail::nsp_core* nsp_ = nullptr;
    mutable std::shared_ptr<bool> shared_;
    std::uint64_t id_ = 0;
    std::uint32_t slot_ = 0, generation_ = 0;
    std::uint8_t shard_ = 0;
    bool done_ = false;
};

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/socket.ipp>
#endif

#endif
