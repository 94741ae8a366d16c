#ifndef MAD_REDIS_IMPL_DECODER_IPP
#define MAD_REDIS_IMPL_DECODER_IPP

#include <mad/redis/decoder.hpp>

#include <algorithm>
#include <cstring>
#include <new>

#include <hiredis/read.h>

namespace mad::inline MAD_ABI::redis {

/// hiredis keeps no tree of its own: each object is made here, at its place in ours. Nothing may be
/// thrown through it.
struct decoder::calls {
    /// Where the object of this task belongs; null when it would cost too much.
    static reply* place(redisReadTask const* t, std::size_t bytes) noexcept {
        auto& d = *static_cast<decoder*>(t->privdata);
        if (!t->parent)
            d.cost_ = 0;
        d.cost_ += sizeof(reply) + bytes;
        if (d.cost_ > d.max_bytes_) {
            d.failed_ = error::reply_too_large;
            return nullptr;
        }
        if (!t->parent)
            return &d.root_;
        auto& items = static_cast<reply*>(t->parent->obj)->items_;
        auto const i = static_cast<std::size_t>(t->idx);
        try {
            if (i >= items.size())
                items.emplace_back();
        } catch (std::bad_alloc const&) {
            d.failed_ = error::reply_too_large;
            return nullptr;
        }
        return &items[i];
    }

    static reply* make(redisReadTask const* t, reply_kind k, char const* s,
                       std::size_t n) noexcept {
        auto* const r = place(t, n);
        if (!r)
            return nullptr;
        r->kind_ = k;
        r->integer_ = 0;
        r->items_.clear();
        try {
            r->text_.assign(s, n);
        } catch (std::bad_alloc const&) {
            return nullptr;
        }
        return r;
    }

    static void* string(redisReadTask const* t, char* s, std::size_t n) {
        switch (t->type) {
        case REDIS_REPLY_ERROR:
            return make(t, reply_kind::error, s, n);
        case REDIS_REPLY_STATUS:
            return make(t, reply_kind::status, s, n);
#if defined(REDIS_REPLY_VERB)
        case REDIS_REPLY_VERB: // `txt:` stands in front
            return make(t, reply_kind::string, s + std::min<std::size_t>(n, 4),
                        n - std::min<std::size_t>(n, 4));
#endif
        default:
            return make(t, reply_kind::string, s, n);
        }
    }

    template <class Count> // int in 0.14, size_t from 1.0 on
    static void* array(redisReadTask const* t, Count n) {
        auto kind = reply_kind::array;
#if defined(REDIS_REPLY_MAP)
        if (t->type == REDIS_REPLY_MAP)
            kind = reply_kind::map;
        else if (t->type == REDIS_REPLY_SET)
            kind = reply_kind::set;
#endif
#if defined(REDIS_REPLY_PUSH)
        if (t->type == REDIS_REPLY_PUSH)
            kind = reply_kind::push;
#endif
        auto* const r = place(t, 0);
        if (!r)
            return nullptr;
        r->kind_ = kind;
        r->integer_ = 0;
        r->text_.clear();
        try {
            // No more than a header may claim: the others are made when they come.
            r->items_.resize(std::min<std::size_t>(static_cast<std::size_t>(n), 1024));
        } catch (std::bad_alloc const&) {
            return nullptr;
        }
        return r;
    }

    static void* integer(redisReadTask const* t, long long n) {
        auto* const r = make(t, reply_kind::integer, "", 0);
        if (r)
            r->integer_ = n;
        return r;
    }

    static void* real(redisReadTask const* t, double value, char* s, std::size_t n) {
        auto* const r = make(t, reply_kind::real, s, n);
        if (r)
            r->real_ = value;
        return r;
    }

    static void* nil(redisReadTask const* t) {
        return make(t, reply_kind::nil, "", 0);
    }

    static void* boolean(redisReadTask const* t, int value) {
        auto* const r = make(t, reply_kind::boolean, "", 0);
        if (r)
            r->integer_ = value != 0;
        return r;
    }

    static void forget(void*) {} // the tree is ours

    template <class Functions>
    static Functions table() {
        Functions f{};
        f.createString = &calls::string;
        f.createArray = &calls::array;
        f.createInteger = &calls::integer;
        f.createNil = &calls::nil;
        f.freeObject = &calls::forget;
        if constexpr (requires { f.createDouble; })
            f.createDouble = &calls::real;
        if constexpr (requires { f.createBool; })
            f.createBool = &calls::boolean;
        return f;
    }
};

MAD_DECL void decoder::deleter::operator()(redisReader* r) const {
    ::redisReaderFree(r);
}

MAD_DECL decoder::decoder(std::size_t max_bytes)
    : max_bytes_(max_bytes) {
    static auto functions = calls::table<redisReplyObjectFunctions>();
    reader_.reset(::redisReaderCreateWithFunctions(&functions));
    if (!reader_)
        throw std::bad_alloc();
    reader_->privdata = this;
}

MAD_DECL decoder::~decoder() = default;

MAD_DECL bool decoder::speaks_resp3() {
#if defined(REDIS_REPLY_MAP) && defined(REDIS_REPLY_PUSH)
    return true;
#else
    return false;
#endif
}

MAD_DECL void decoder::feed(std::span<char const> in) {
    if (failed_ == error::none &&
        ::redisReaderFeed(reader_.get(), in.data(), in.size()) != REDIS_OK)
        failed_ = error::bad_reply;
}

MAD_DECL result<bool> decoder::next() {
    if (failed_ != error::none)
        return failed_;
    void* made = nullptr;
    if (::redisReaderGetReply(reader_.get(), &made) != REDIS_OK) {
        if (failed_ == error::none)
            failed_ = reader_->err == REDIS_ERR_OOM ? error::reply_too_large : error::bad_reply;
        return failed_;
    }
    if (made)
        return true;
    if (reader_->len - reader_->pos > max_bytes_)
        return failed_ = error::reply_too_large;
    return false;
}

} // namespace mad::inline MAD_ABI::redis

#endif
