#ifndef MAD_TESTS_SUPPORT_PAYLOAD_PACKETS_HPP
#define MAD_TESTS_SUPPORT_PAYLOAD_PACKETS_HPP

#include <mad/engine/payload.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad_test {

/// A packet that owns its data.
struct owned {
    mad::engine::packet_type type;
    bool binary;
    std::string data;

    bool operator==(owned const&) const = default;
    mad::engine::packet_view view() const { return {type, binary, data}; }
};

inline owned message(std::string data) {
    return {mad::engine::packet_type::message, false, std::move(data)};
}
inline owned binary(std::string data) {
    return {mad::engine::packet_type::message, true, std::move(data)};
}

struct read_outcome {
    std::vector<owned> packets;
    mad::error_code error;
};

/// All packets of a body, up to the first error; a reader that failed goes on failing.
inline read_outcome read_body(mad::engine::revision rev, std::string_view body, bool binary_body) {
    mad::engine::payload_reader reader(rev, body, binary_body);
    read_outcome out;
    mad::engine::packet_view p;
    for (;;) {
        auto const more = reader.next(p);
        if (!more) {
            out.error = more.error();
            CHECK(reader.next(p).error() == more.error());
        }
        if (!more || !*more)
            return out;
        out.packets.push_back({p.type, p.binary, std::string(p.data)});
    }
}

/// A body of text; its size is checked against what was foretold.
inline std::string write_body(mad::engine::revision rev, std::vector<owned> const& packets) {
    std::string body;
    for (auto const& p : packets) {
        auto const before = body.size();
        bool const first = before == 0;
        mad::engine::append_payload(rev, body, p.view(), first);
        CHECK(body.size() - before == mad::engine::payload_size(rev, p.view(), first));
    }
    return body;
}

} // namespace mad_test

#endif
