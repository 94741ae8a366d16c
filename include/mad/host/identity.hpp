#ifndef MAD_HOST_IDENTITY_HPP
#define MAD_HOST_IDENTITY_HPP

#include <mad/host/roots.hpp>
#include <mad/host/sample.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace mad::inline MAD_ABI::host {

/// Which sources a host has at all: what is missing then is no fault.
struct capabilities {
    /// The kernel keeps pressure; sensors tell temperatures.
    bool psi = false, temperatures = false;

    friend bool operator==(capabilities const&, capabilities const&) = default;
};

/// What hardly changes while a host runs. Texts that cannot be read are empty.
struct identity {
    /// Network name of the host.
    std::string host;

    /// Name of the system for people, from os-release. Example: `Debian GNU/Linux 12 (bookworm)`
    std::string os;

    /// Release of the kernel. Example: `6.1.0-18-amd64`
    std::string kernel;

    /// Machine type as uname(2) tells it. Example: `x86_64`
    std::string arch;

    /// Changes with each start of the machine.
    std::string boot_id;

    /// Which view samples are of.
    std::string scope = "host";

    /// CPUs online, or those that the view leaves, a part of one counted whole; absent when
    /// unknown.
    std::optional<unsigned> cpus;

    /// Memory of the view in bytes; absent when unknown.
    std::optional<std::uint64_t> memory;

    /// Start of the machine in seconds since 1970; absent when unknown.
    std::optional<std::uint64_t> boot_s;

    /// Absent until a sample has told.
    std::optional<capabilities> caps;
};

identity read_identity(roots const& where = {});

/// Takes over what a sample tells: its view, the CPUs and the memory of it, what can be measured. A
/// source that failed changes nothing. True when anything is new.
bool follow(identity& who, sample const& s);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/identity.ipp>
#endif

#endif
