#ifndef MAD_HOST_PSI_METER_HPP
#define MAD_HOST_PSI_METER_HPP

#include <mad/core/clock.hpp>
#include <mad/host/delta.hpp>
#include <mad/host/optional_file.hpp>
#include <mad/host/psi.hpp>
#include <mad/host/sample.hpp>

#include <array>
#include <optional>
#include <string>

namespace mad::inline MAD_ABI::host {

/// Turns readings of pressure files into shares of the time that passed. A kernel may keep none: it
/// is too old, was built without them (no file), or started without them (a file that cannot be
/// read, EOPNOTSUPP). Then they are looked for again each `recheck_time`.
class psi_meter {
  public:
    /// Of the machine, for the directory `proc`/pressure. `full` of its CPU is 0 by definition and
    /// left out.
    static psi_meter of_machine(std::string const& proc);

    /// Of one control group (v2), for its directory.
    static psi_meter of_group(std::string const& directory);

    /// Writes `psi` of `out`, what the files tell and nothing else. `source::psi` fails when a file
    /// is there and cannot be read or understood, or was there and is not.
    void update(clock const& time, read_buffer& buffer, sample& out);

    /// Forgets the baselines.
    void reset();

  private:
    struct one {
        explicit one(std::string path)
            : file(std::move(path)) {}

        std::optional<pressure> update(clock const& time, read_buffer& buffer, bool with_full,
                                       source_set& failed);

        optional_file file;
        rate_window window;
        std::optional<counter> some, full;
    };

    psi_meter(bool group, std::string const& cpu, std::string const& memory, std::string const& io)
        : files_{one(cpu), one(memory), one(io)}
        , group_(group) {}

    std::array<one, 3> files_; // cpu, memory, io
    bool group_;
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/psi_meter.ipp>
#endif

#endif
