"""How servers and clients end: with the interpreter, in a fork, by Ctrl-C, dropped, or not at all.

Each row runs in an interpreter of its own, in development mode, with warnings as errors; it must
end in time, with the code 0 and nothing on stderr."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from socketio_kit import LIMIT, in_child

pytestmark = pytest.mark.usefixtures("module")

HEAD = """
import asyncio, gc, os, sys, threading, time, weakref
from mad import Error
from mad.socketio import AsyncClient, Client, Server
"""

ROWS = {
    "a server and a client that nobody ends": """
io = Server().start()
io.on("x", lambda sock: 1)
peer = Client(io.url).connect()
assert peer.call("x") == 1
""",
    "a server with coroutines that nobody ends": """
io = Server().start()
@io.on("x")
async def x(sock):
    await asyncio.sleep(3600)
peer = Client(io.url).connect()
peer.emit("x")
""",
    "a handler that is busy when the interpreter ends": """
io = Server().start()
begun = threading.Event()
@io.on("x")
def x(sock):
    begun.set()
    try:
        sock.call_blocking("never", timeout=0)
    except Error:
        os.write(1, b"ended")
peer = Client(io.url).connect()
peer.emit("x")
begun.wait(10)
""",
    "objects that were never started": """
io, peer = Server(), Client("http://127.0.0.1:1")
io.on("x", lambda sock: io)
peer.on("x", lambda: peer)
""",
    "a server that is dropped": """
io = Server().start()
@io.on("x")
async def x(sock):
    return 1
io.on("y", lambda sock: io.url)  # a circle
peer = Client(io.url, reconnection=False).connect()
assert peer.call("x") == 1
seen = weakref.ref(io)
del io, x
gc.collect()
assert seen() is None
assert peer.wait(10)
""",
    "a client that is dropped": """
with Server() as io:
    gone = threading.Event()
    io.on("disconnect", lambda sock: gone.set())
    peer = Client(io.url).connect()
    peer.on("x", lambda: peer)
    del peer
    gc.collect()
    assert gone.wait(10)
""",
    "an async client that is dropped": """
with Server() as io:
    gone = threading.Event()
    io.on("disconnect", lambda sock: gone.set())
    async def main():
        await AsyncClient(io.url).connect()
        gc.collect()
    asyncio.run(main())
    assert gone.wait(10)
""",
    "a client whose server ends": """
io = Server().start()
peer = Client(io.url, reconnection_delay=0.01).connect()
lost = threading.Event()
peer.on("disconnect", lambda why: lost.set())
io.stop()
assert lost.wait(10)
""",
    "a loop that ends before its server": """
async def main():
    io = await Server().start_async()
    io.on("x", lambda sock: 1)
    async with AsyncClient(io.url) as peer:
        assert await peer.call("x") == 1
    return io
io = asyncio.run(main())
io.stop()
""",
    "a server that ends while a coroutine will not": """
io = Server().start()
@io.on("x")
async def x(sock):
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            break
peer = Client(io.url).connect()
peer.emit("x")
io.stop()
""",
    "a fork": """
io = Server().start()
io.on("x", lambda sock: 1)
peer = Client(io.url).connect()
child = os.fork()
if child == 0:
    assert not io.running
    io.emit("x")
    io.stop()
    peer.close()
    with Server() as other:
        other.on("y", lambda sock: 2)
        with Client(other.url) as mine:
            assert mine.call("y") == 2
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert peer.call("x") == 1
""",
    "a fork with a loop that leaves at once": """
io = Server().start()
@io.on("x")
async def x(sock):
    return 1
peer = Client(io.url).connect()
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert peer.call("x") == 1
""",
    # The main thread waits in native code. The handler, in another thread, counts and only then
    # answers: were the lock held, it would never begin.
    "a call that waits while other threads run": """
counted = 0
with Server() as io, Client(io.url) as peer:
    @io.on("count")
    def count(sock):
        global counted
        for _ in range(1000):
            counted += 1
        return counted
    assert peer.call("count", timeout=0) == 1000
""",
    "a stop that waits while other threads run": """
# The goodbye of a websocket waits for that of its peer, which is in this process, too, and whose
# handlers wait for Python.
io = Server().start()
seen = []
io.on("disconnect", lambda sock, why: seen.append(why))
peer = Client(io.url, transports=["websocket"], reconnection=False).connect()
lost = threading.Event()
peer.on("disconnect", lambda why: lost.set())
io.stop(drain=3600)
assert seen == ["server shutting down"]
assert lost.wait(10)
""",
    # The main thread keeps the lock from before the events come until the interpreter ends.
    "an interpreter that ends while handlers wait for it": """
import atexit
from mad import _hosting
atexit.unregister(_hosting._end_all)
io = Server(handler_threads=4).start()
io.on("x", lambda sock: None)
peer = Client(io.url, transports=["websocket"]).connect()
sys.setswitchinterval(1000)
for _ in range(100):
    peer.emit("x")
end = time.monotonic() + 0.3
while time.monotonic() < end:
    pass
""",
    "many that come and go": """
for turn in range(20):
    with Server() as io, Client(io.url) as peer:
        io.on("x", lambda sock: turn)
        assert peer.call("x") == turn
assert threading.active_count() == 1, threading.enumerate()
end = time.monotonic() + 10
while len(os.listdir("/proc/self/task")) > 1:  # the system forgets one a little after it was joined
    assert time.monotonic() < end, os.listdir("/proc/self/task")
    os.sched_yield()
""",
}


@pytest.mark.parametrize("name", ROWS)
def test_it_ends_well(name: str) -> None:
    in_child(HEAD + ROWS[name])


# In the background of a shell without job control it would be ignored, and children inherit that.
HEEDS_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""

INTERRUPTED = {
    "serve_forever": """
io = Server()
io.on("x", lambda sock: 1)
threading.Timer(0.2, print, ["ready"], {"flush": True}).start()
io.serve_forever()
print("ended", io.running)
""",
    "a call": """
io = Server().start()
peer = Client(io.url).connect()
try:
    print("ready", flush=True)
    peer.call("nothing", timeout=0)
except KeyboardInterrupt:
    print("ended", not io.running)
""",
    "a client's wait": """
with Server() as io, Client(io.url) as peer:
    try:
        print("ready", flush=True)
        peer.wait()
    except KeyboardInterrupt:
        print("ended", not peer.connected)
""",
    "connecting": """
peer = Client("http://127.0.0.1:1")
try:
    print("ready", flush=True)
    peer.connect(retry=True)
except KeyboardInterrupt:
    print("ended", peer.connected)
""",
    "an asyncio server": """
async def main():
    async with Server() as io:
        try:
            print("ready", flush=True)
            await io.wait_stopped()
        except asyncio.CancelledError:
            print("ended", not io.running)
            raise
try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
""",
}


@pytest.mark.parametrize("name", INTERRUPTED)
def test_ctrl_c_ends_what_waits(name: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-X", "dev", "-c", HEAD + HEEDS_CTRL_C + INTERRUPTED[name]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            assert child.stdout.readline() == "ready\n"
            child.send_signal(signal.SIGINT)
            said, complaints = child.communicate(timeout=LIMIT)
            assert complaints == ""
            assert child.returncode == 0
            assert said == "ended False\n"
        finally:
            child.kill()
