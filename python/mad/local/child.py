"""Becomes a native program that cannot outlive `mad up`.

Run as a file of its own, between the supervisor's fork and the program: what it sets (the signal
at the parent's death, the socket passed as the service manager would) must be set in the child,
and Python code between fork and exec of a threaded parent would be unsafe.

    child.py PARENT_PID SOCKET_FD PROGRAM [ARGUMENT...]      SOCKET_FD -1: none"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
FIRST_PASSED_FD = 3


def main(parent: int, socket_fd: int, command: list[str]) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL)) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")
    if socket_fd >= 0:
        if socket_fd == FIRST_PASSED_FD:
            os.set_inheritable(socket_fd, True)
        else:
            os.dup2(socket_fd, FIRST_PASSED_FD)
            os.close(socket_fd)
        os.environ["LISTEN_FDS"] = "1"
        os.environ["LISTEN_PID"] = str(os.getpid())
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
