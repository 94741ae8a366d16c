#include "support.hpp"

#include <mad/core/json.hpp>
#include <mad/host/json.hpp>
#include <mad/host/sampler.hpp>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

using namespace host_test;

namespace {

bool is_share(std::string const& key) {
    return key == "pct" || key == "user" || key == "sys" || key == "iowait" || key == "steal" ||
           key == "ipct" || key == "util" || key == "storage" || key == "cores";
}

/// What is wrong with a number of a message, wherever it stands; empty: nothing.
std::string wrong_in(mad::json const& j, std::string const& key) {
    if (j.is_object()) {
        for (auto const& [name, part] : j.items())
            if (auto why = wrong_in(part, name); !why.empty())
                return why;
        return {};
    }
    if (j.is_array()) {
        for (auto const& part : j)
            if (auto why = wrong_in(part, key); !why.empty())
                return why;
        return {};
    }
    if (!j.is_number())
        return {};
    auto const v = j.get<double>();
    bool const degrees = key == "max" || key == "c";
    bool ok = std::isfinite(v) && v >= (degrees ? -40 : 0);
    ok = ok && (!is_share(key) || v <= 100);
    ok = ok && (!degrees || v <= 150);
    // A hundred devices at the ceiling of one.
    ok = ok && ((key != "rd" && key != "wr" && key != "rx" && key != "tx") || v <= 5e12);
    return ok ? "" : key + "=" + j.dump();
}

/// Bytes as a broken kernel might write them: of the text that was there, some changed into digits,
/// signs and anything.
std::string spoilt(std::string text, std::mt19937_64& random) {
    constexpr std::string_view odd = "0123456789999-+.:/ \n\t\\eEx";
    auto const pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    switch (pick(6)) {
    case 0:
        text.assign(pick(400), '\0');
        for (auto& c : text)
            c = static_cast<char>(random());
        return text;
    case 1:
        return text.substr(0, pick(text.size() + 1));
    case 2:
        return {};
    default:
        break;
    }
    for (auto n = pick(30) + 1; n > 0 && !text.empty(); --n) {
        auto const at = pick(text.size());
        if (pick(3) == 0)
            text.insert(at, pick(22), '9');
        else
            text[at] = odd[pick(odd.size())];
    }
    return text;
}

} // namespace

TEST_CASE("whatever the files hold, no number of a message is beyond reason") {
    auto const name = GENERATE(as<std::string>{}, "linux-2.6.32-raid", "linux-3.10-bonded",
                               "linux-6.6-laptop", "linux-6.12-128-cores");
    CAPTURE(name);
    tree files;
    files.lay(data_dir() / name / "before");
    std::vector<std::pair<std::string, std::string>> all;
    for (auto const& e : fs::recursive_directory_iterator(files.path()))
        if (e.is_regular_file())
            all.emplace_back(fs::relative(e.path(), files.path()).string(), slurp(e.path()));
    std::mt19937_64 random(20'240'607);
    hand_clock clock;
    host::sampler_settings settings;
    settings.where = files.roots();
    settings.time = &clock;
    settings.disk_temperatures = true;
    // A spoilt type is asked by the helper thread.
    settings.statvfs = [seed = std::make_shared<std::atomic<unsigned>>(0)](char const*,
                                                                           host::fs_space& out) {
        std::mt19937_64 any(++*seed);
        out = {any(), any(), any(), any(), any(), any(), any() % 2 == 0};
        return any() % 3 == 0 ? EIO : 0;
    };
    settings.boot_time = [&] { return clock.now().time_since_epoch(); };
    host::sampler s(settings);
    std::string text;
    for (int round = 0; round < 150; ++round) {
        for (auto const& [path, good] : all)
            if (random() % 4 == 0)
                files.put(path, random() % 3 == 0 ? good : spoilt(good, random));
        clock.advance(std::chrono::milliseconds(random() % 20'000));
        text.clear();
        host::append_health_json(text, s.take());
        CAPTURE(round, text);
        REQUIRE(text.size() <= host::max_health_bytes);
        REQUIRE(mad::json::accept(text));
        REQUIRE(wrong_in(mad::json::parse(text), "") == "");
    }
}
