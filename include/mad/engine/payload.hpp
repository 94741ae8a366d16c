#ifndef MAD_ENGINE_PAYLOAD_HPP
#define MAD_ENGINE_PAYLOAD_HPP

#include <mad/engine/packet.hpp>

namespace mad::inline MAD_ABI::engine {

/// Between two packets of a polling body of revision 4.
inline constexpr char payload_separator = '\x1e';

/// Reads the packets of a polling body one by one, so that a caller can stop and go on later.
/// Revision 4: `4hello<1e>bAQIDBA==` is the message "hello", then the message 01 02 03 04.
/// Revision 3, text: the same is `6:4hello10:b4AQIDBA==`; the length counts UTF-16 code units.
/// Revision 3, binary: for each packet 00 (text) or 01 (binary), the digits of its length in bytes
/// as values 0 to 9, ff, the packet; `00 06 ff 4hello 01 05 ff 04 01 02 03 04`.
/// The body must outlive the reader. All calls together cost time linear in the body.
class payload_reader {
  public:
    /// `binary_body` tells that the body's type was application/octet-stream. Revision 4 has no
    /// such form: the first call answers `error::binary_body`.
    payload_reader(revision rev, std::string_view body, bool binary_body = false)
        : rest_(body)
        , revision_(rev)
        , binary_body_(binary_body) {}

    /// True and the next packet; false at the end. An empty body or packet, an unknown digit, text
    /// that is not UTF-8, bytes that are not base64 and a wrong length are `error::bad_packet`; the
    /// session is to be closed, and further calls say the same. (Packets of length 0 in the text
    /// form of revision 3 are no packets: they are passed over.) `out` views the body or, when it
    /// came as base64, a buffer that the next call reuses.
    result<bool> next(packet_view& out);

  private:
    result<bool> next_separated(packet_view&);
    result<bool> next_counted(packet_view&);
    result<bool> next_binary(packet_view&);

    std::string_view rest_;
    std::string scratch_;
    revision revision_;
    bool binary_body_;
    bool started_ = false; // something has been read
    bool done_ = false;
    error failed_ = error::none;
};

/// Appends one packet to a polling body of text. Revision 4: all but the first put the separator in
/// front, binary packets become `b` and base64. Revision 3: the length in front, binary packets
/// become `b4` and base64; `first` makes no difference.
void append_payload(revision, std::string& out, packet_view const&, bool first);

/// The same for a packet that is encoded already and is text: `4hello`, `bAQIDBA==`.
void append_payload_text(revision, std::string& out, std::string_view packet, bool first);

/// Bytes that `append_payload` would add.
std::size_t payload_size(revision, packet_view const&, bool first);

/// Appends one encoded packet (`4hello`; 0x04 and bytes when `binary`) to a polling body of
/// revision 3 in its binary form, which a body takes when one of its packets is binary and the peer
/// did not say `b64`. Its type is application/octet-stream.
void append_payload_binary(std::string& out, std::string_view packet, bool binary);

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/payload.ipp>
#endif

#endif
