#ifndef MAD_PROXY_DETAIL_PASSAGE_HPP
#define MAD_PROXY_DETAIL_PASSAGE_HPP

#include <mad/core/clock.hpp>
#include <mad/proxy/affinity.hpp>
#include <mad/proxy/body.hpp>
#include <mad/proxy/forward.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy::detail {

class upstream_connection;

/// Whether a polling body is a close packet alone: how a session ends, said by either side, in
/// revision 4 (`1`) and 3 (`1:1`).
inline bool is_goodbye(std::string_view body) {
    return body == "1" || body == "1:1";
}
inline bool is_goodbye_length(std::uint64_t bytes) {
    return bytes == 1 || bytes == 3;
}

/// One request on its way through, from its head to the end of its answer. Taken from its shard's
/// stock and given back, with what its strings have grown to: a warm proxy allocates nothing.
struct passage {
    upstream_connection* up = nullptr;

    /// The request as the upstream gets it, while it cannot be sent or may have to be sent again.
    std::string request;
    /// The beginning of an answer's head, when it came in pieces.
    std::string answer_head;
    /// The beginning of an answer's body, in which a session id or an error is looked for.
    std::string sniffed;
    std::string sid;
    /// Address of the client, as the hash and the cookie's rule know it.
    boost::asio::ip::address client;
    std::array<char, 24> websocket_key{};

    answer_context context;
    body_reader from_client, from_upstream;
    response_verdict answer;
    std::uint64_t body_bytes = 0; ///< of the request, so far
    std::array<std::uint32_t, 3> tried{};
    std::uint8_t tries = 0;
    std::uint8_t address = 0; ///< of the upstream's, the one being tried
    std::uint8_t eio = 0;
    affinity_rule by = affinity_rule::hash;
    destination to = destination::other;
    time_point began{};

    bool handshake = false; ///< makes a session, and may be sent again as long as no answer came
    bool poll = false;      ///< a GET that waits for packets
    bool unlearnt = false;  ///< of a session that is not in the table
    bool jsonp = false;
    std::string jsonp_index;   ///< digits
    bool request_done = false; ///< its body, too, has come
    bool may_repeat = false;   ///< `request` is whole and may go to another upstream
    bool answering = false;    ///< the head of the answer has gone out
    bool sniffing = false;
    bool slow_checked = false;
    bool goodbye = false; ///< its body ends the session
    bool deaf = false;    ///< the upstream takes no more of the request

    /// Ready for the next one; memory is kept.
    void reset() {
        up = nullptr;
        for (auto* const s : {&request, &answer_head, &sniffed, &sid}) {
            s->clear();
            if (s->capacity() > 4096)
                s->shrink_to_fit();
        }
        context = {};
        from_client = from_upstream = {};
        answer = {};
        body_bytes = 0;
        tries = address = eio = 0;
        unlearnt = false;
        handshake = poll = jsonp = request_done = may_repeat = answering = sniffing = slow_checked =
            goodbye = deaf = false;
    }
};

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
