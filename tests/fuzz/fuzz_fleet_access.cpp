// Who may come in, and do what: no text is a token that nobody has made, a link is good as it was
// made and not otherwise, and patterns match what they say. Byte 0 chooses, byte 1 steers.
#include "fuzz_support.hpp"

#include <mad/core/utf8.hpp>
#include <mad/fleet/access.hpp>

using namespace mad::fleet;

namespace {

constexpr std::int64_t now_ms = 1'764'000'000'000;
constexpr std::string_view secret = "an agent's own secret";

access_settings settings_of(unsigned steer) {
    access_settings s;
    s.spare_link_key = "thirty-two characters or a few more";
    s.open = static_cast<open_to>(steer % 3);
    if (steer & 4) {
        access_token t;
        t.name = "web";
        t.sha256 = mad::sha256(secret);
        t.ids = {"web-*"};
        s.rules.emplace();
        s.rules->tokens.push_back(std::move(t));
        if (steer & 8)
            s.rules->link_key = "another key of thirty-two or more";
    }
    return s;
}

void check_token(mad::fleet::access const& a, std::string_view text, bool has_rules) {
    auto const who = a.judge({text}, now_ms);
    FUZZ_CHECK(who || who.error());
    if (!who)
        return;
    // Nobody can sign a link without the key.
    FUZZ_CHECK((*who)->by != known_by::link);
    FUZZ_CHECK((*who)->by != known_by::token || text == secret);
    FUZZ_CHECK(!has_rules || text.empty() || text == secret);
    FUZZ_CHECK(!(*who)->may(right::manage));
}

void check_link(mad::fleet::access const& a, mad_fuzz::input in) {
    auto const at = in.byte() << 8 | in.byte();
    auto const turned = static_cast<char>(in.byte() | 1);
    auto const filter = in.take(1'024);
    if (!mad::is_utf8(filter))
        return;
    auto link = a.make_link(filter, now_ms + 1);
    auto const who = a.judge({link.token}, now_ms);
    FUZZ_CHECK(who && (*who)->by == known_by::link && (*who)->filter == filter);
    FUZZ_CHECK((*who)->may(right::read) && !(*who)->may(right::write));
    FUZZ_CHECK(a.still_good(**who));
    FUZZ_CHECK(!a.judge({link.token}, now_ms + 1));
    auto& changed = link.token[static_cast<std::size_t>(at) % link.token.size()];
    changed = static_cast<char>(changed ^ turned);
    auto const other = a.judge({link.token}, now_ms);
    FUZZ_CHECK(!other || (*other)->by != known_by::link);
}

void check_person(mad::fleet::access const& a, mad_fuzz::input in) {
    auto const name = in.take(in.byte());
    auto const who = a.judge({{}, name, in.rest()}, now_ms);
    FUZZ_CHECK(who || who.error());
    if (who && !name.empty() && (*who)->may(right::manage))
        FUZZ_CHECK(in.rest().find("admin") != std::string_view::npos);
}

/// What `fits` must say, the slow way.
bool matches(std::string_view pattern, std::string_view text) {
    std::vector<bool> reached(text.size() + 1, false);
    reached[0] = true;
    for (char const p : pattern) {
        bool before = false; // whether some shorter part was reached
        for (std::size_t i = 0; i <= text.size(); ++i) {
            bool const was = reached[i];
            reached[i] = p == '*' ? (before = before || was) : before && text[i - 1] == p;
            if (p != '*')
                before = was;
        }
    }
    return reached[text.size()];
}

void check_pattern(mad_fuzz::input in) {
    principal p;
    p.rights = rights_of(role::agent);
    auto const pattern = in.take(std::min<std::size_t>(in.byte(), 128));
    auto const text = in.take(128);
    p.ids = {std::string(pattern)};
    FUZZ_CHECK(p.may_be({text}) == matches(pattern, text));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const what = in.byte() % 4;
    auto const steer = in.byte();
    mad::fleet::access const a(settings_of(steer));
    if (what == 0)
        check_token(a, in.rest(), (steer & 4) != 0);
    else if (what == 1)
        check_link(a, in);
    else if (what == 2)
        check_person(a, in);
    else
        check_pattern(in);
    return 0;
}
