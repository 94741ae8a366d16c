// Accept-Encoding: any field is understood; what comes last counts; blanks around elements and case
// do not.
#include "fuzz_support.hpp"

#include <mad/net/http/coding.hpp>

#include <string>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using mad::net::content_coding;
    using mad::net::http::choose_coding;
    std::string const field(reinterpret_cast<char const*>(data), size);
    auto const chosen = choose_coding(field);
    std::string loud, wide;
    for (char const c : field) {
        loud += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        wide += c == ',' || c == ';' ? std::string("\t ") + c + "  " : std::string(1, c);
    }
    FUZZ_CHECK(choose_coding(loud) == chosen);
    FUZZ_CHECK(choose_coding(wide) == chosen);
    FUZZ_CHECK(choose_coding(field + ",gzip;q=0,x-gzip;q=0,deflate;q=0") ==
               content_coding::identity);
    FUZZ_CHECK(choose_coding(field + ",gzip;q=1,identity;q=0.5") == content_coding::gzip);
    return 0;
}
