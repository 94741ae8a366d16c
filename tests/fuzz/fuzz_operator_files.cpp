// Files that operators write: one token, tokens, rules. Whatever stands in them, they are read, or
// it is said what is wrong and where, without a secret of theirs. Byte 0 chooses; the rest is the
// file.
#include "fuzz_support.hpp"

#include <mad/fleet/token_file.hpp>

#include "options.hpp"
#include "rules_file.hpp"
#include "tokens_file.hpp"

#include <string>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

/// A file in memory that its owner alone can read; ends with the process.
std::string const& file_of(std::string_view text) {
    static int const fd = ::memfd_create("file", MFD_CLOEXEC);
    static std::string const path = "/proc/self/fd/" + std::to_string(fd);
    FUZZ_CHECK(fd >= 0 && ::fchmod(fd, 0600) == 0 && ::ftruncate(fd, 0) == 0);
    FUZZ_CHECK(::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return path;
}

/// Every line of it begins with where that is.
void check_told(std::string_view told, std::string_view path) {
    FUZZ_CHECK(!told.empty());
    while (!told.empty()) {
        auto const line = told.substr(0, told.find('\n'));
        FUZZ_CHECK(line.find(path) != line.npos);
        told.remove_prefix(std::min(line.size() + 1, told.size()));
    }
}

template <class Read>
void check(std::string const& path, Read const& read) {
    try {
        read(path);
    } catch (programs::usage_error const& e) {
        check_told(e.what(), path);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const what = in.byte() % 3;
    auto const& path = file_of(in.rest());
    if (what == 0) {
        std::string token;
        auto const wrong = mad::fleet::read_token_file(path, token);
        FUZZ_CHECK(wrong.empty() != token.empty());
        FUZZ_CHECK(wrong.empty() || wrong.find(path) != wrong.npos);
        FUZZ_CHECK(in.rest().starts_with(token) && token.find('\n') == token.npos);
    } else if (what == 1) {
        check(path, [](std::string const& file) {
            auto const rules = programs::read_tokens(file);
            FUZZ_CHECK(!rules.tokens.empty());
            for (auto const& t : rules.tokens)
                FUZZ_CHECK(!t.name.empty());
        });
    } else {
        check(path, [](std::string const& file) { (void)programs::read_rules_file(file); });
    }
    return 0;
}
