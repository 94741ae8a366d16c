"""Who may hold a stack: leases against a store in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mad.deploy.cloud.lease import Lease, Written, new_lease, process
from mad.deploy.cloud.lock import GRACE_S, TTL_S, Lock, LockHeldError, LockLostError
from mad.deploy.events import Event, Note

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Memory:
    """Writes once, as EC2 does with the name of a key pair."""

    where = "key pair mad-x-lock"

    def __init__(self) -> None:
        self.written: Written | None = None
        self.count = 0
        self.guard = threading.Lock()

    def write(self, lease: Lease) -> str | None:
        with self.guard:
            if self.written is not None:
                return None
            self.count += 1
            self.written = Written(lease, f"key-{self.count}")
            return self.written.handle

    def read(self) -> Written | None:
        return self.written

    def extend(self, handle: str, lease: Lease) -> str | None:
        with self.guard:
            if self.written is None or self.written.handle != handle:
                return None
            self.written = Written(lease, handle)
            return handle

    def drop(self, handle: str) -> bool:
        with self.guard:
            if self.written is None or self.written.handle != handle:
                return False
            self.written = None
            return True


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def of_another_machine(lease: Lease) -> Lease:
    return replace(lease, machine="000000000000", host="laptop-2")


def test_a_held_lock_says_who_since_when_and_what_to_do() -> None:
    store = Memory()
    other = Lock(store, op="destroy", who="arn:aws:iam::1:user/bob", clock=Clock())
    with (
        Lock(store, op="up", who="arn:aws:iam::1:user/ann", clock=Clock()),
        pytest.raises(LockHeldError) as held,
    ):
        other.acquire()
    assert held.value.who == "arn:aws:iam::1:user/ann"
    assert held.value.since == "2026-03-01T12:00:00+00:00"
    assert "`up` by arn:aws:iam::1:user/ann on " in str(held.value)
    assert "2026-03-01T12:02:00+00:00" in held.value.remedy
    assert "mad.deploy unlock" in held.value.remedy


def test_a_lock_is_gone_after_its_block_even_when_that_fails() -> None:
    store = Memory()
    with pytest.raises(KeyError), Lock(store, op="up", who="ann"):
        raise KeyError("x")
    assert store.written is None


@pytest.mark.parametrize(
    ("late_s", "taken"),
    [(0.0, False), (TTL_S, False), (TTL_S + GRACE_S, False), (TTL_S + GRACE_S + 1, True)],
)
def test_a_lease_of_another_machine_is_taken_over_once_it_ended_long_ago(
    late_s: float, taken: bool
) -> None:
    store = Memory()
    clock = Clock()
    store.write(of_another_machine(new_lease("ann", "up", NOW, TTL_S)))
    clock.now = NOW + timedelta(seconds=late_s)
    events: list[Event] = []
    lock = Lock(store, op="up", who="bob", listener=events.append, clock=clock)
    if not taken:
        with pytest.raises(LockHeldError):
            lock.acquire()
        assert events == []
        return
    with lock:
        assert store.written is not None
        assert store.written.lease is not None
        assert store.written.lease.who == "bob"
    (note,) = events
    assert isinstance(note, Note)
    assert note.warning
    assert note.text == (
        "took over the lock of `up` by ann on laptop-2, since 2026-03-01T12:00:00+00:00: "
        "it ended at 2026-03-01T12:02:00+00:00"
    )


def test_the_lease_of_a_process_of_this_machine_that_is_gone_is_taken_over_at_once() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pid = process(child.pid)
    assert pid is not None
    store = Memory()
    store.write(replace(new_lease("ann", "up", NOW, TTL_S), pid=pid))
    with pytest.raises(LockHeldError):
        Lock(store, op="up", who="bob", clock=Clock()).acquire()
    child.communicate(b"\n", timeout=30)
    events: list[Event] = []
    with Lock(store, op="up", who="bob", listener=events.append, clock=Clock()):
        pass
    assert [str(event.text).rpartition(": ")[2] for event in events if isinstance(event, Note)] == [
        "its process is gone"
    ]


def test_a_process_id_that_is_used_again_is_not_the_holder() -> None:
    lease = new_lease("ann", "up", NOW, TTL_S)
    assert not lease.dead()
    assert replace(lease, pid=f"{os.getpid()}@1").dead()
    assert not of_another_machine(replace(lease, pid=f"{os.getpid()}@1")).dead()


def test_what_is_there_and_no_lease_is_never_taken_over() -> None:
    store = Memory()
    store.written = Written(None, "key-of-somebody")
    with pytest.raises(LockHeldError) as held:
        Lock(store, op="up", who="bob").acquire()
    assert "without a lease of mad" in str(held.value)
    assert "remove it by hand" in held.value.remedy
    assert store.written == Written(None, "key-of-somebody")


def test_a_write_that_was_answered_too_late_is_known_as_our_own() -> None:
    class Twice(Memory):
        def write(self, lease: Lease) -> str | None:
            super().write(lease)
            return None

    store = Twice()
    with Lock(store, op="up", who="ann") as lock:
        lock.renew()
    assert store.written is None


def test_a_lock_that_is_let_go_of_between_two_calls_is_tried_again() -> None:
    class Gone(Memory):
        def write(self, lease: Lease) -> str | None:
            self.count += 1
            return None if self.count == 1 else super().write(lease)

    store = Gone()
    with Lock(store, op="up", who="ann"):
        assert store.written is not None


def test_renewing_makes_a_lease_last_longer() -> None:
    store, clock = Memory(), Clock()
    with Lock(store, op="up", who="ann", clock=clock) as lock:
        clock.now = NOW + timedelta(seconds=90)
        lock.renew()
        assert store.written is not None
        assert store.written.lease is not None
        assert store.written.lease.expires == "2026-03-01T12:03:30+00:00"
        assert store.written.lease.started == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize("taken_by", [None, "bob"])
def test_a_lost_lease_stops_the_run_and_is_left_alone(taken_by: str | None) -> None:
    store = Memory()
    told = threading.Event()
    with Lock(store, op="up", who="ann", on_lost=told.set, settling=()) as lock:
        store.written = (
            Written(new_lease(taken_by, "unlock", NOW, TTL_S), "key-9") if taken_by else None
        )
        with pytest.raises(LockLostError) as lost:
            lock.renew()
        assert ("bob" in str(lost.value)) == (taken_by is not None)
        assert lock.lost.is_set()
        assert told.is_set()
        with pytest.raises(LockLostError):
            lock.renew()
    assert (store.written is not None) == (taken_by is not None)


def test_a_thread_renews_the_lease_and_notices_its_loss() -> None:
    store = Memory()
    renewed = threading.Event()
    told = threading.Event()

    class Watched(Memory):
        def extend(self, handle: str, lease: Lease) -> str | None:
            answer = super().extend(handle, lease)
            renewed.set()
            return answer

    store = Watched()
    with Lock(store, op="up", who="ann", ttl_s=0.03, on_lost=told.set, settling=()):
        assert renewed.wait(30)
        store.written = None
        assert told.wait(30)


def test_a_lease_that_does_not_show_at_once_is_not_lost() -> None:
    class Late(Memory):
        unseen = 3

        def read(self) -> Written | None:
            if self.unseen:
                self.unseen -= 1
                return None
            return super().read()

    store = Late()
    with Lock(store, op="up", who="ann", settling=(0.0,) * 5) as lock:
        lock.renew()
        assert store.unseen == 0
        # Once it was seen, its absence is a loss.
        store.unseen = 1
        with pytest.raises(LockLostError):
            lock.renew()


def test_a_lease_that_is_not_found_at_once_is_let_go_of_all_the_same() -> None:
    class Late(Memory):
        unseen = 3

        def drop(self, handle: str) -> bool:
            self.unseen -= 1
            return self.unseen < 0 and super().drop(handle)

    store = Late()
    with Lock(store, op="up", who="ann", settling=(0.0,) * 5):
        pass
    assert store.written is None
