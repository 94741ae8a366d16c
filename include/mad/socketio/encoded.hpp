#ifndef MAD_SOCKETIO_ENCODED_HPP
#define MAD_SOCKETIO_ENCODED_HPP

#include <mad/core/json.hpp>
#include <mad/engine/packet.hpp>
#include <mad/net/wire_block.hpp>
#include <mad/socketio/args.hpp>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

/// One packet as it goes over the wire: a text message and its attachments, each encoded once in
/// every form that some receiver needs. A receiver costs a reference for each. Copies share what
/// they hold; from any thread.
class encoded {
  public:
    encoded() = default;

    /// `text` is the whole Engine.IO message, its digit included (`42["x"]`).
    encoded(std::string_view text, std::span<std::string const> attachments);

    /// The same for all peers.
    net::wire_block const& text() const { return text_; }

    /// As a wire of that form takes them. The first call for a form other than `bytes` encodes them
    /// in it.
    std::span<net::wire_block const>
    attachments(engine::binary_form form = engine::binary_form::bytes) const {
        return in_form(rest_, form);
    }

    /// Bytes of its messages as revision 5 sends them, frames and all.
    std::size_t size() const {
        auto bytes = text_.frame().size();
        for (auto const& a : attachments())
            bytes += a.frame().size();
        return bytes;
    }

    /// Makes the one message of the msgpack parser, which `for_each` then gives instead. Copies
    /// made afterwards share it.
    void pack();
    bool packed() const { return packed_ != nullptr; }

    /// Calls `send(wire_block)` for each message in order, until one says false. Whether none did.
    template <class Send>
    bool for_each(engine::binary_form form, Send&& send) const {
        if (!packed_ && !send(text_))
            return false;
        for (auto const& a : in_form(packed_ ? packed_ : rest_, form))
            if (!send(a))
                return false;
        return true;
    }

    /// Whether wires that can compress may do so; true unless told, once, before it is sent.
    void set_compress(bool yes) const {
        text_.set_compress(yes);
        for (auto const& a : attachments())
            a.set_compress(yes);
    }

  private:
    using blocks = std::vector<net::wire_block>;

    struct binary_part {
        blocks bytes;
        std::mutex mutex;
        std::array<blocks, 3> others; // by form, less `bytes`; each never changes once it is there
    };

    static std::span<net::wire_block const> in_form(std::shared_ptr<binary_part> const&,
                                                    engine::binary_form);

    net::wire_block text_;
    std::shared_ptr<binary_part> rest_;   // null without attachments
    std::shared_ptr<binary_part> packed_; // null but for the msgpack parser
};

/// Writes one packet of ours for the msgpack parser: its Engine.IO message (`42["hello",1]`,
/// trusted) and its attachments, in one binary message. Empty when the message is no packet.
std::string encode_msgpack(std::string_view message,
                           std::span<net::wire_block const> attachments = {});

/// Arguments of an event or an acknowledgement when their number and types are not known before.
/// Binary data are binary leaves.
struct arguments {
    std::vector<json> values;

    bool empty() const { return values.empty(); }
    std::size_t size() const { return values.size(); }
    json const& operator[](std::size_t i) const { return values[i]; }

    friend bool operator==(arguments const&, arguments const&) = default;
};

/// Encodes an EVENT or ACK. For an event the first of `args` is the name.
template <class... Ts>
encoded encode_packet(packet_type type, std::string_view nsp, std::optional<std::uint64_t> id,
                      Ts const&... args) {
    thread_local std::string text;
    text.assign(1, '4');
    attachment_list attachments;
    append_packet(text, attachments, type, nsp, id, args...);
    return encoded(text, attachments);
}

/// The same with arguments of any number; `event` is empty for an ACK.
encoded encode_arguments(packet_type type, std::string_view nsp, std::optional<std::uint64_t> id,
                         std::optional<std::string_view> event, arguments const& args);

/// What the packet carries, as values; the name of an event is not among them.
result<arguments> read_arguments(packet const&);

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/encoded.ipp>
#endif

#endif
