#ifndef MAD_FLEET_NODE_MESSAGE_HPP
#define MAD_FLEET_NODE_MESSAGE_HPP

#include <mad/core/error.hpp>
#include <mad/fleet/record.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

// What nodes tell each other about their agents. A record travels, and is kept, in an envelope:
//
//     [1764000000123,42,{"id":"web-042",...,"socketID":"x"}]
//
// that is: when its connection registered (milliseconds of the shared clock), the node's count of
// changes, and the record as consoles get it. A message is one batch of changes of one node:
//
//     {"n":"node","e":"epoch","s":7,"g":[["web-041",43]],"u":[[...]],"d":[["node","epoch"]]}
//
// `e` is drawn when the node starts and `s` counts its messages. `g` holds agents that have gone,
// before `u`, the envelopes of those that have something new; `d` nodes that are no more.

/// What the merge of nodes needs to know of a record. `info` points into it.
struct record_facts {
    std::string id, socket_id, run;
    std::string_view info; ///< as JSON; empty when absent
    std::optional<std::uint64_t> seq;
};

/// Checks a record that another node has written, in one pass over its bytes. Consoles get it as it
/// is, so that what is refused is what could break a list of records: no object, no good id, no
/// health. Limits are the agents', with room for what a node adds.
result<record_facts> read_record(std::string_view record);

/// A record on its way; `record` points into the text that was read.
struct envelope {
    std::int64_t born = 0;
    std::uint64_t version = 0;
    std::string_view record;
};

std::string write_envelope(envelope const&);
result<envelope> read_envelope(std::string_view text);

/// One message; views point into its text.
struct node_message {
    std::string node, epoch;
    std::uint64_t seq = 0;
    std::vector<std::pair<std::string, std::uint64_t>> gone; ///< id, version
    std::vector<envelope> updates;
    std::vector<std::pair<std::string, std::string>> dead; ///< node, epoch
};

result<node_message> read_message(std::string_view text);

/// Builds the text of one message. Without any change it is a sign of life.
class message_writer {
  public:
    message_writer(std::string_view node, std::string_view epoch, std::uint64_t seq);

    // In this order.
    void gone(std::string_view id, std::uint64_t version);
    void update(std::string_view envelope);
    void dead(std::string_view node, std::string_view epoch);

    std::size_t size() const { return text_.size(); }
    std::string finish() &&;

  private:
    void enter(char list);

    std::string text_;
    char list_ = 0;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/node_message.ipp>
#endif

#endif
