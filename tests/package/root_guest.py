"""Runs mad inside another system's root, cut off from this machine's network.

    unshare --mount --net --fork -- python root_guest.py ROOT BIN COMMANDS.json

ROOT is an unpacked Debian, BIN a folder inside of it with the programs, COMMANDS a list of argument
lists to run. Prints one JSON object: what each command said, and how many agents reached the API by
each name. Everything it starts and mounts goes away with the namespaces."""

from __future__ import annotations

import contextlib
import fcntl
import json
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

BY_FILE = "by-file.test"  # in the root's /etc/hosts
BY_DNS = "by-dns.test"  # only our name server knows it
LIMIT = 30.0


def bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", 0x1 | 0x40, b"")  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(control, 0x8914, request)  # SIOCSIFFLAGS


def serve_names(server: socket.socket) -> None:
    """A name server for one name: 127.0.0.1 for A, no data for the rest."""
    while True:
        query, peer = server.recvfrom(512)
        end = query.index(b"\0", 12) + 5
        question = query[12:end]
        labels, at = [], 0
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        known = ".".join(labels).lower() == BY_DNS
        is_a = question[-4:-2] == b"\0\1"
        answer = b""
        if known and is_a:
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
        flags = 0x8180 if known else 0x8183
        header = query[:2] + struct.pack(">HHHHH", flags, 1, 1 if answer else 0, 0, 0)
        server.sendto(header + question + answer, peer)


def prepare(root: str) -> None:
    """Names as on hosts that resolve through plug-ins which a static program cannot load."""
    bring_up_loopback()
    files = {
        "hosts": f"127.0.0.1 localhost {BY_FILE}\n",
        "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n",
        "nsswitch.conf": "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n",
    }
    for name, text in files.items():
        path = Path(root, "etc", name)
        path.unlink(missing_ok=True)  # it may be a link that leads out of the root
        path.write_text(text)
    subprocess.run(["mount", "-t", "proc", "proc", f"{root}/proc"], check=True)
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    threading.Thread(target=serve_names, args=[names], daemon=True).start()


def in_root(root: str, command: Sequence[str]) -> list[str]:
    return ["chroot", root, "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "HOME=/root", *command]


def say(root: str, command: Sequence[str]) -> dict[str, object]:
    done = subprocess.run(
        in_root(root, command), capture_output=True, text=True, timeout=LIMIT, check=False
    )
    return {"code": done.returncode, "out": done.stdout, "error": done.stderr}


@contextlib.contextmanager
def running(root: str, *command: str) -> Iterator[str]:
    """A program, from its ready line on; gives the URL in it."""
    process = subprocess.Popen(in_root(root, command), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = ""
        if select.select([process.stdout], [], [], LIMIT)[0]:
            words = process.stdout.readline().split()
            url = words[2] if len(words) > 2 else ""
        yield url
    finally:
        process.kill()
        process.wait()


def sessions(url: str) -> int:
    with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
        return int(json.load(answer)["sessions"])


def agents_by_name(root: str, folder: str, name: str) -> int:
    """How many agents have a session after one was told to find the API by `name`."""
    # Open to all, since it would otherwise refuse requests for names that are not this host's own.
    command = [f"{folder}/mad-api", "--listen", "127.0.0.1:0", "--anonymous"]
    with running(root, *command) as url:
        port = url.rpartition(":")[2]
        if not port:
            return 0
        agent = in_root(root, [f"{folder}/mad-agent", "--api", f"http://{name}:{port}"])
        process = subprocess.Popen(agent, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + LIMIT
            while sessions(url) == 0 and time.monotonic() < deadline:
                time.sleep(0.1)
            return sessions(url)
        finally:
            process.kill()
            process.wait()


def main(root: str, folder: str, commands: list[list[str]]) -> None:
    prepare(root)
    result = {
        "commands": [say(root, command) for command in commands],
        "agents": {name: agents_by_name(root, folder, name) for name in (BY_FILE, BY_DNS)},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
