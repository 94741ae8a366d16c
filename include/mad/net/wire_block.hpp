#ifndef MAD_NET_WIRE_BLOCK_HPP
#define MAD_NET_WIRE_BLOCK_HPP

#include <mad/config.hpp>
#include <mad/net/ws_frame.hpp>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace mad::inline MAD_ABI::net {

namespace detail {

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/// The memory of the blocks that a thread gave up last, for its next ones: who sends now and then,
/// as the agent does, asks the heap for nothing. Two, since a client holds a message and its masked
/// copy at once.
struct spare_blocks {
    ~spare_blocks();
    void* at[2];
};
inline thread_local spare_blocks spares{};
inline thread_local bool spares_are_over = false; // the thread ends: nobody would free them
inline constexpr std::size_t largest_spare = 16 * 1024;

inline spare_blocks::~spare_blocks() {
    spares_are_over = true;
    for (void* const p : at)
        std::free(p);
}

/// Memory for `n` bytes; null when there is none. Not what can hold much more: small blocks that
/// wait long must not sit on large memory.
inline void* take_spare(std::size_t n) {
    if (n > largest_spare || spares_are_over)
        return nullptr;
    for (void*& p : spares.at) {
        auto const holds = p ? malloc_usable_size(p) : 0;
        if (holds >= n && holds <= 2 * n + 64)
            return std::exchange(p, nullptr);
    }
    return nullptr;
}

/// Gives up what `take_spare` or malloc gave.
inline void give_spare(void* p) {
    if (spares_are_over || malloc_usable_size(p) > largest_spare)
        return std::free(p);
    auto& at = spares.at;
    std::free(std::exchange(at[1], std::exchange(at[0], p)));
}

#else // a sanitizer is to see every block come and go

inline void* take_spare(std::size_t) {
    return nullptr;
}
inline void give_spare(void* p) {
    std::free(p);
}

#endif

} // namespace detail

/// Immutable bytes with a reference count: encoded once, held by any number of outboxes on any
/// thread. One allocation holds the count, the websocket header of an unmasked frame and the
/// payload right behind it, so the same bytes serve a websocket (`frame()`) and a polling body
/// (`payload()`).
class wire_block {
  public:
    wire_block() = default;
    wire_block(wire_block const& o) noexcept
        : head_(o.head_) {
        if (head_)
            head_->refs.fetch_add(1, std::memory_order_relaxed);
    }
    wire_block(wire_block&& o) noexcept
        : head_(std::exchange(o.head_, nullptr)) {}
    wire_block& operator=(wire_block o) noexcept {
        std::swap(head_, o.head_);
        return *this;
    }
    ~wire_block() { release(); }

    /// A message: `payload` behind a websocket header for it.
    static wire_block message(std::string_view payload, bool binary) {
        auto const opcode = binary ? ws_opcode::binary : ws_opcode::text;
        char header[max_ws_header_bytes];
        auto const n = write_ws_header(header, opcode, true, payload.size());
        return make({header, n}, payload, binary);
    }

    /// A control frame (ping, pong, close) for a websocket.
    static wire_block control(ws_opcode opcode, std::string_view payload) {
        char header[max_ws_header_bytes];
        auto const n = write_ws_header(header, opcode, true, payload.size());
        return make({header, n}, payload, true);
    }

    /// A message whose payload is compressed (RFC 7692): the header says so.
    static wire_block compressed(std::string_view payload, bool binary) {
        auto const opcode = binary ? ws_opcode::binary : ws_opcode::text;
        char header[max_ws_header_bytes];
        auto const n = write_ws_header(header, opcode, true, payload.size());
        header[0] = static_cast<char>(header[0] | ws_rsv1);
        return make({header, n}, payload, binary);
    }

    /// A masked frame, as a client sends it.
    static wire_block masked(ws_opcode opcode, std::string_view payload, std::uint32_t mask,
                             bool compressed = false) {
        char header[max_ws_header_bytes];
        auto const n = write_ws_header(header, opcode, true, payload.size(), mask);
        if (compressed)
            header[0] = static_cast<char>(header[0] | ws_rsv1);
        auto b = make({header, n}, payload, opcode == ws_opcode::binary);
        ws_mask({b.body() + n, payload.size()}, mask);
        return b;
    }

    /// Plain bytes with no frame around them (HTTP).
    static wire_block raw(std::string_view bytes) { return make({}, bytes, true); }

    explicit operator bool() const { return head_ != nullptr; }

    /// Everything: the websocket header, if there is one, and the payload.
    std::string_view frame() const { return {body(), head_->size}; }
    std::string_view payload() const { return frame().substr(head_->header); }
    bool binary() const { return head_->binary; }

    /// Whether wires may compress it; true unless `set_compress` said otherwise before it was sent.
    bool compress() const { return head_->compress.load(std::memory_order_relaxed); }
    void set_compress(bool yes) const { head_->compress.store(yes, std::memory_order_relaxed); }

    /// This message compressed, or itself when that is not worth it. `deflate` takes the payload
    /// and gives an optional text; it is called by the first who asks, others wait for that and
    /// share.
    template <class Deflate>
    wire_block deflated(Deflate&& deflate) const {
        head* form = head_->deflated.load(std::memory_order_acquire);
        if (!form &&
            head_->deflated.compare_exchange_strong(form, in_work(), std::memory_order_acq_rel)) {
            form = head_; // stays so when it fails
            maker const m{*head_, form};
            if (auto const text = deflate(payload())) {
                auto made = compressed(*text, binary());
                form = std::exchange(made.head_, nullptr);
            }
        }
        while (form == in_work()) {
            head_->deflated.wait(form, std::memory_order_acquire);
            form = head_->deflated.load(std::memory_order_acquire);
        }
        form->refs.fetch_add(1, std::memory_order_relaxed);
        wire_block b;
        b.head_ = form;
        return b;
    }

  private:
    struct head {
        std::atomic<std::uint32_t> refs;
        std::uint8_t header;
        bool binary;
        std::atomic<bool> compress;
        std::size_t size;
        std::atomic<head*> deflated; // none yet, in_work(), this block itself, or one we hold
    };

    /// Says what became of the work, also when it ends with an exception.
    struct maker {
        ~maker() {
            block.deflated.store(form, std::memory_order_release);
            block.deflated.notify_all();
        }
        head& block;
        head*& form;
    };

    static head* in_work() {
        static head mark{{1}, 0, false, {false}, 0, {nullptr}};
        return &mark;
    }

    static wire_block make(std::string_view header, std::string_view payload, bool binary) {
        auto const size = header.size() + payload.size();
        void* p = detail::take_spare(sizeof(head) + size);
        if (!p)
            p = std::malloc(sizeof(head) + size);
        if (!p)
            throw std::bad_alloc();
        wire_block b;
        b.head_ = ::new (p)
            head{{1}, static_cast<std::uint8_t>(header.size()), binary, {true}, size, {nullptr}};
        if (!header.empty())
            std::memcpy(b.body(), header.data(), header.size());
        if (!payload.empty())
            std::memcpy(b.body() + header.size(), payload.data(), payload.size());
        return b;
    }

    char* body() const { return reinterpret_cast<char*>(head_ + 1); }

    void release() {
        if (head_ && head_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            wire_block form; // ends with this one
            form.head_ = head_->deflated.load(std::memory_order_relaxed);
            if (form.head_ == head_)
                form.head_ = nullptr;
            head_->~head();
            detail::give_spare(head_);
        }
    }

    head* head_ = nullptr;
};

} // namespace mad::inline MAD_ABI::net

#endif
