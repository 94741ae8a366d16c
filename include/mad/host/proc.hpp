#ifndef MAD_HOST_PROC_HPP
#define MAD_HOST_PROC_HPP

// All parsers of what the kernel writes: bytes in, plain values out.
#include <mad/host/cgroup.hpp>
#include <mad/host/diskstats.hpp>
#include <mad/host/meminfo.hpp>
#include <mad/host/mounts.hpp>
#include <mad/host/proc_misc.hpp>
#include <mad/host/proc_net.hpp>
#include <mad/host/proc_stat.hpp>
#include <mad/host/psi.hpp>

#endif
