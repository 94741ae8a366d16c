// Arguments of a packet in every type a handler may ask for, and back. Byte 0 is the number of
// attachments (modulo 4), each of which is one byte; the rest is a payload.
#include "fuzz_support.hpp"

#include <mad/core/json.hpp>
#include <mad/core/utf8.hpp>
#include <mad/socketio/args.hpp>

#include <array>
#include <string>
#include <vector>

using namespace mad;
using namespace mad::socketio;

namespace {

void check_typed(arg_view const& arg) {
    int kinds = 0;
    kinds += arg.as<bool>().has_value();
    kinds += arg.as<double>().has_value();
    kinds += arg.as<std::vector<json>>().has_value();
    if (auto const text = arg.as<std::string>()) {
        FUZZ_CHECK(is_utf8(*text));
        ++kinds;
    }
    if (auto const data = arg.as<bytes>()) {
        FUZZ_CHECK(data->size() == 1 && arg.attachment());
        ++kinds;
    }
    FUZZ_CHECK(kinds <= 1);
    if (auto const n = arg.as<std::int8_t>())
        FUZZ_CHECK(arg.as<std::int64_t>().value() == *n && arg.as<double>().value() == *n);
    if (auto const n = arg.as<std::uint64_t>())
        FUZZ_CHECK(arg.kind() == json_kind::number);
    (void)arg.as<std::optional<int>>();
    (void)arg.as<std::vector<std::vector<std::optional<std::string>>>>();
    FUZZ_CHECK(arg.as<json>().has_value() != arg.missing());
    FUZZ_CHECK(arg.missing() || arg.as<raw_json>().value().text == arg.raw());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    attachment_list attachments;
    for (int n = in.byte() % 4; n > 0; --n)
        attachments.emplace_back(in.take(1)).resize(1);
    auto const payload = in.rest();

    std::string text;
    append_header(text, attachments.empty() ? packet_type::ack : packet_type::binary_ack,
                  static_cast<std::uint32_t>(attachments.size()), "/", 1);
    text += payload;
    packet_limits const limits;
    decoder d(limits);
    auto p = d.feed_text(text);
    if (!p) {
        (void)decode_args(payload, attachments);
        return 0;
    }
    for (auto const& a : attachments)
        p = d.feed_binary(a);
    FUZZ_CHECK(p && *p);

    std::array<arg_view, 4> args;
    split_args(**p, args);
    for (auto const& arg : args)
        check_typed(arg);

    // What the decoder took can be read, written, and is then the same.
    if ((*p)->view.payload.empty())
        return 0;
    auto const value = decode_args((*p)->view.payload, (*p)->attachments);
    FUZZ_CHECK(value && value->is_array());
    std::string out;
    attachment_list written;
    encode_args(*value, out, written);
    FUZZ_CHECK(written.size() == count_binary(*value));
    auto const again = decode_args(out, written);
    // A plain event may hold an object that looks like a placeholder: written beside bytes it would
    // be one. Here there are no such neighbours.
    FUZZ_CHECK(again && *again == *value);
    return 0;
}
