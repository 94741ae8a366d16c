#ifndef MAD_ENGINE_PAYLOAD_HPP
#define MAD_ENGINE_PAYLOAD_HPP

#include <mad/engine/packet.hpp>

namespace mad::inline MAD_ABI::engine {

/// Between two packets of a polling body of revision 4.
inline constexpr char payload_separator = '\x1e';

/// Reads the packets of a polling body one by one, so that a caller can stop and go on later.
/// Example: `4hello<1e>bAQIDBA==` is the message "hello", then the message 01 02 03 04.
/// The body must outlive the reader. All calls together cost time linear in the body.
class payload_reader {
  public:
    /// `binary_body` tells that the request's type was application/octet-stream. Revision 4 has no
    /// such form: the first call answers `error::binary_body`. Revision 3 is answered with
    /// `error::unsupported_protocol`.
    payload_reader(revision rev, std::string_view body, bool binary_body = false)
        : rest_(body)
        , revision_(rev)
        , binary_body_(binary_body) {}

    /// True and the next packet; false at the end. An empty body or packet, an unknown digit, text
    /// that is not UTF-8 and bytes that are not base64 are `error::bad_packet`; the session is to
    /// be closed, and further calls say the same. `out` views the body or, when it is binary, a
    /// buffer that the next call reuses.
    result<bool> next(packet_view& out);

  private:
    std::string_view rest_;
    std::string scratch_;
    revision revision_;
    bool binary_body_;
    bool done_ = false;
    error failed_ = error::none;
};

/// Appends one packet to a polling body; all but the first put the separator in front. Binary
/// packets become `b` and base64. Revision 3 throws std::invalid_argument: no session has it.
void append_payload(revision, std::string& out, packet_view const&, bool first);

/// Bytes that `append_payload` would add.
std::size_t payload_size(revision, packet_view const&, bool first);

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/payload.ipp>
#endif

#endif
