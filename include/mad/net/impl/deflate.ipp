#ifndef MAD_NET_IMPL_DEFLATE_IPP
#define MAD_NET_IMPL_DEFLATE_IPP

#include <mad/net/deflate.hpp>
#include <mad/net/ws_error.hpp>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include <zlib.h>

namespace mad::inline MAD_ABI::net {

namespace detail {

inline Bytef* zlib_bytes(char const* p) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(p));
}

inline constexpr std::size_t max_deflated_bytes = std::size_t(1) << 30; // zlib counts in 32 bits

/// A compressor; `window_bits` as zlib has them, negative for raw data and plus 16 for gzip.
class deflater {
  public:
    deflater(int level, int window_bits, int mem_level) {
        if (deflateInit2(&z_, level, Z_DEFLATED, window_bits, mem_level, Z_DEFAULT_STRATEGY) !=
            Z_OK)
            throw std::bad_alloc();
    }
    ~deflater() { deflateEnd(&z_); }
    deflater(deflater const&) = delete;
    deflater& operator=(deflater const&) = delete;

    void reset() { deflateReset(&z_); }

    /// All of `in`, flushed, without the four bytes that RFC 7692 section 7.2.1 leaves out. False
    /// when it would be `most` bytes or more.
    bool run(std::string_view in, std::string& out, std::size_t most) {
        if (!feed(in, out, most, Z_SYNC_FLUSH))
            return false;
        // Nothing comes of flushing twice in a row: an empty message is an empty block.
        out.resize(out.size() < 4 ? 0 : out.size() - 4);
        if (out.empty())
            out.assign(1, '\0');
        return out.size() < most;
    }

    /// All of `in` as a whole stream. False when it would be `most` bytes or more.
    bool finish(std::string_view in, std::string& out, std::size_t most) {
        return feed(in, out, most, Z_FINISH) && out.size() < most;
    }

  private:
    bool feed(std::string_view in, std::string& out, std::size_t most, int flush) {
        z_.next_in = zlib_bytes(in.data());
        z_.avail_in = static_cast<uInt>(in.size());
        out.resize(std::min(most, std::max<std::size_t>(in.size() / 4, 256)) + 16);
        for (std::size_t have = 0;;) {
            z_.next_out = zlib_bytes(out.data() + have);
            z_.avail_out = static_cast<uInt>(out.size() - have);
            ::deflate(&z_, flush);
            have = out.size() - z_.avail_out;
            if (z_.avail_out != 0) {
                out.resize(have);
                return true;
            }
            if (have >= most + 16)
                return false;
            out.resize(std::min(most + 16, 2 * out.size()));
        }
    }

    z_stream z_{};
};

class inflater {
  public:
    explicit inflater(int window_bits) {
        if (inflateInit2(&z_, -window_bits) != Z_OK)
            throw std::bad_alloc();
    }
    ~inflater() { inflateEnd(&z_); }
    inflater(inflater const&) = delete;
    inflater& operator=(inflater const&) = delete;

    void reset() {
        inflateReset(&z_);
        ended_ = false;
    }

    ws_error run(std::string_view in, std::string& out, std::size_t max_bytes) {
        static constexpr std::string_view tail("\0\0\xff\xff", 4);
        // Never asked for more than one byte past the limit, however small the message is.
        auto const first = std::min(max_bytes, std::max<std::size_t>(4 * in.size(), 1024));
        if (out.size() < first)
            out.resize(first);
        have_ = 0;
        finals_ = 0;
        if (auto const e = feed(in, out, max_bytes); e != ws_error::none)
            return e;
        // What ended with a final block needs no more; else the tail ends the last one.
        if (!ended_)
            if (auto const e = feed(tail, out, max_bytes); e != ws_error::none)
                return e;
        bool const between_blocks = ended_ || ((z_.data_type & 128) && (z_.data_type & 63) == 0);
        return between_blocks ? ws_error::none : ws_error::bad_compression;
    }

    std::size_t size() const { return have_; }

  private:
    ws_error feed(std::string_view in, std::string& out, std::size_t max_bytes) {
        constexpr int most_finals = 16; // beginning anew costs a copy of the window
        z_.next_in = zlib_bytes(in.data());
        z_.avail_in = static_cast<uInt>(in.size());
        for (;;) {
            if (std::exchange(ended_, false)) {
                if (++finals_ > most_finals || !begin_anew())
                    return ws_error::bad_compression;
            }
            char spare = 0;
            bool const at_limit = have_ >= max_bytes;
            if (!at_limit && have_ == out.size())
                out.resize(std::min(max_bytes, 2 * out.size()));
            z_.next_out = zlib_bytes(at_limit ? &spare : out.data() + have_);
            z_.avail_out =
                at_limit ? 1 : static_cast<uInt>(std::min(out.size(), max_bytes) - have_);
            auto const room = z_.avail_out;
            int const code = ::inflate(&z_, Z_SYNC_FLUSH);
            auto const made = room - z_.avail_out;
            if (at_limit && made > 0)
                return ws_error::message_too_big;
            have_ += made;
            if (code == Z_MEM_ERROR)
                throw std::bad_alloc();
            if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
                return ws_error::bad_compression;
            ended_ = code == Z_STREAM_END;
            if (z_.avail_in == 0 && (ended_ || z_.avail_out != 0))
                return ws_error::none;
            if (code == Z_BUF_ERROR && made == 0 && z_.avail_out != 0)
                return ws_error::bad_compression;
        }
    }

    /// Blocks may follow the final one of a stream, and refer to what came before it.
    bool begin_anew() {
        std::array<Bytef, 32768> window;
        uInt size = 0;
        return inflateGetDictionary(&z_, window.data(), &size) == Z_OK &&
               inflateReset(&z_) == Z_OK &&
               (size == 0 || inflateSetDictionary(&z_, window.data(), size) == Z_OK);
    }

    z_stream z_{};
    std::size_t have_ = 0;
    int finals_ = 0;
    bool ended_ = false;
};

/// What the connections of one thread share: compressors and inflaters without memory of what came
/// before, and the text made last.
class deflate_workspace {
  public:
    static deflate_workspace& here() {
        thread_local deflate_workspace it;
        return it;
    }

    deflater& compressor(int level, int window_bits, int mem_level) {
        std::array const key{level, window_bits, mem_level};
        for (auto& d : deflaters_)
            if (d.first == key) {
                d.second->reset();
                return *d.second;
            }
        auto made = std::make_unique<deflater>(level, window_bits, mem_level);
        return *deflaters_.emplace_back(key, std::move(made)).second;
    }

    inflater& reader() {
        if (inflater_)
            inflater_->reset();
        else
            inflater_ = std::make_unique<inflater>(15);
        return *inflater_;
    }

    /// Memory for a text; what a long one needed is not kept for ever.
    std::string& text(std::string& s, std::size_t needed) {
        constexpr std::size_t keep = 256 * 1024;
        if (s.capacity() > keep && needed < keep / 16)
            std::string().swap(s);
        return s;
    }

    std::string inflated, deflated;

  private:
    std::vector<std::pair<std::array<int, 3>, std::unique_ptr<deflater>>> deflaters_;
    std::unique_ptr<inflater> inflater_;
};

class deflate_codec final : public message_codec {
  public:
    deflate_codec(message_deflate_settings const& s, ws_role role, ws_deflate_terms const& t)
        : level_(static_cast<std::int8_t>(s.level))
        , mem_level_(static_cast<std::int8_t>(s.mem_level))
        , threshold_(s.threshold) {
        bool const server = role == ws_role::server;
        bits_ = server ? t.server_max_window_bits : t.client_max_window_bits;
        auto const most = server ? s.server_max_window_bits : s.client_max_window_bits;
        bool const alone = server ? t.server_no_context_takeover : t.client_no_context_takeover;
        shared_ = alone && bits_ == most;
        // zlib has no window of 8 bits: such a server hears us in clear.
        if (!alone && bits_ > 8)
            deflater_ = std::make_unique<deflater>(level_, -bits_, mem_level_);
        bool const peer_alone =
            server ? t.client_no_context_takeover : t.server_no_context_takeover;
        if (!peer_alone)
            inflater_ = std::make_unique<inflater>(server ? t.client_max_window_bits
                                                          : t.server_max_window_bits);
    }

    result<std::span<char>> inflate(std::string_view message, std::size_t max_bytes) override {
        auto& here = deflate_workspace::here();
        auto& z = inflater_ ? *inflater_ : here.reader();
        auto& out = here.text(here.inflated, message.size());
        if (auto const e = z.run(message, out, max_bytes); e != ws_error::none)
            return error_code(e);
        return std::span(out.data(), z.size());
    }

    std::optional<std::string_view> deflate(std::string_view message) override {
        if (bits_ < 9 || message.size() > max_deflated_bytes)
            return std::nullopt;
        auto& here = deflate_workspace::here();
        auto& out = here.text(here.deflated, message.size());
        if (deflater_) { // what it has seen the peer must see, worth it or not
            deflater_->run(message, out, 2 * message.size() + 1024);
            return out;
        }
        if (!here.compressor(level_, -bits_, mem_level_).run(message, out, message.size()))
            return std::nullopt;
        return out;
    }

    std::size_t threshold() const override { return threshold_; }
    bool shared() const override { return shared_; }

  private:
    std::unique_ptr<deflater> deflater_; // only with context takeover
    std::unique_ptr<inflater> inflater_;
    std::uint8_t bits_ = 15;
    std::int8_t level_, mem_level_;
    bool shared_ = false;
    std::size_t threshold_;
};

class message_deflate final : public message_compression {
  public:
    explicit message_deflate(message_deflate_settings const& s)
        : settings_(s)
        , wanted_{s.server_no_context_takeover, s.client_no_context_takeover,
                  s.server_max_window_bits, s.client_max_window_bits} {
        auto const in = [](int v, int low, int high) { return v >= low && v <= high; };
        if (!in(s.level, 1, 9) || !in(s.mem_level, 1, 9) || !in(s.server_max_window_bits, 9, 15) ||
            !in(s.client_max_window_bits, 9, 15))
            throw std::invalid_argument(
                "permessage-deflate: level and mem_level are 1 to 9, window "
                "bits 9 to 15");
    }

    result<std::optional<ws_deflate_terms>> accept(std::string_view offers) const override {
        return accept_ws_deflate(offers, wanted_);
    }
    std::string offer() const override { return ws_deflate_offer(wanted_); }
    result<std::optional<ws_deflate_terms>> judge(std::string_view answer) const override {
        return judge_ws_deflate(answer, wanted_);
    }
    std::unique_ptr<message_codec> make(ws_role role, ws_deflate_terms const& t) const override {
        return std::make_unique<deflate_codec>(settings_, role, t);
    }

  private:
    message_deflate_settings settings_;
    ws_deflate_terms wanted_;
};

class zlib_body_compression final : public body_compression {
  public:
    explicit zlib_body_compression(body_compression_settings s)
        : settings_(s) {
        if (s.level < 1 || s.level > 9)
            throw std::invalid_argument("HTTP compression: level is 1 to 9");
    }

    std::size_t threshold() const override { return settings_.threshold; }

    std::optional<std::string> compress(content_coding coding,
                                        std::string_view body) const override {
        if (coding == content_coding::identity || body.size() > max_deflated_bytes)
            return std::nullopt;
        auto& here = deflate_workspace::here();
        auto const bits = coding == content_coding::gzip ? 15 + 16 : 15;
        auto& out = here.text(here.deflated, body.size());
        if (!here.compressor(settings_.level, bits, 8).finish(body, out, body.size()))
            return std::nullopt;
        return out;
    }

  private:
    body_compression_settings settings_;
};

} // namespace detail

MAD_DECL std::shared_ptr<message_compression const>
make_message_deflate(message_deflate_settings s) {
    return std::make_shared<detail::message_deflate>(s);
}

MAD_DECL std::shared_ptr<body_compression const>
make_body_compression(body_compression_settings s) {
    return std::make_shared<detail::zlib_body_compression>(s);
}

} // namespace mad::inline MAD_ABI::net

#endif
