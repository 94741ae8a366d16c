#ifndef MAD_TESTS_UNIT_HOST_SUPPORT_HPP
#define MAD_TESTS_UNIT_HOST_SUPPORT_HPP

#include <mad/core/clock.hpp>
#include <mad/host/mounts.hpp>
#include <mad/host/roots.hpp>
#include <mad/host/sampler.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

namespace host_test {

namespace fs = std::filesystem;
using namespace mad;
using namespace std::chrono_literals;

/// A clock that stands still until it is told.
class hand_clock final : public mad::clock {
  public:
    time_point now() const override { return time_point(duration(ns_.load())); }
    std::int64_t wall_ms() const override { return wall_; }

    void advance(duration d) { ns_ += d.count(); }
    void set_wall(std::int64_t ms) { wall_ = ms; }

  private:
    std::atomic<duration::rep> ns_{std::chrono::nanoseconds(1000s).count()};
    std::int64_t wall_ = 1'700'000'000'000;
};

inline std::string slurp(fs::path const& p) {
    std::ifstream in(p, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// A directory of its own for a test, with the trees a sampler looks at. Goes away with it.
class tree {
  public:
    tree() {
        auto pattern = (fs::temp_directory_path() / "mad-host-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        dir_ = pattern;
    }
    ~tree() {
        std::error_code ignored;
        fs::remove_all(dir_, ignored);
    }
    tree(tree const&) = delete;
    tree& operator=(tree const&) = delete;

    /// Writes over a file where there is one: open readers see the new text.
    tree& put(std::string const& path, std::string_view text) {
        auto const full = fs::path(dir_) / path;
        fs::create_directories(full.parent_path());
        std::ofstream(full, std::ios::binary | std::ios::trunc) << text;
        return *this;
    }

    tree& drop(std::string const& path) {
        fs::remove_all(fs::path(dir_) / path);
        return *this;
    }

    tree& link(std::string const& path, std::string const& target) {
        auto const full = fs::path(dir_) / path;
        fs::create_directories(full.parent_path());
        fs::create_symlink(target, full);
        return *this;
    }

    /// Lays a stored tree over this one, in place.
    tree& lay(fs::path const& from) {
        REQUIRE(fs::is_directory(from));
        for (auto const& e : fs::recursive_directory_iterator(from))
            if (e.is_regular_file())
                put(fs::relative(e.path(), from).string(), slurp(e.path()));
        return *this;
    }

    std::string path(std::string const& p = {}) const { return p.empty() ? dir_ : dir_ + "/" + p; }

    host::roots roots() const { return {path("proc"), path("sys"), {}}; }

  private:
    std::string dir_;
};

/// The stored trees, tests/data/host.
inline fs::path data_dir() {
    if (auto const* given = std::getenv("MAD_TEST_DATA"))
        return fs::path(given) / "host";
    // Set by the build: compilers may be told to write relative names into __FILE__.
    char const* const tests = std::getenv("MAD_TESTS_DIR");
    auto const root = tests ? fs::path(tests) : fs::path(__FILE__).parent_path() / "../..";
    return root / "data" / "host";
}

/// Answers statvfs from a table by path, as a sampler asks (with a slash at the end).
struct fake_disks {
    std::map<std::string, host::fs_space, std::less<>> spaces;
    std::map<std::string, int, std::less<>> errors;

    int operator()(char const* path, host::fs_space& out) const {
        std::string_view const p = path;
        if (auto const e = errors.find(p); e != errors.end())
            return e->second;
        auto const s = spaces.find(p);
        if (s == spaces.end())
            return ENOENT;
        out = s->second;
        return 0;
    }
};

/// `used_pct` of 1,000 blocks of 1 MB, nothing kept for root, 100 inodes of which 10 are taken.
inline host::fs_space space(unsigned used_pct, bool read_only = false) {
    host::fs_space s;
    s.fragment_bytes = 1'000'000;
    s.blocks = 1000;
    s.free = s.available = 1000 - used_pct * 10u;
    s.files = 100;
    s.files_free = 90;
    s.read_only = read_only;
    return s;
}

} // namespace host_test

#endif
