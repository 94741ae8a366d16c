"""One run at a time may change a stack."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from mad.deploy.cloud.lease import BucketStore, KeyPairStore, Lease, Store, Written, new_lease
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.events import Listener, Note
from mad.deploy.hosts.model import HostError
from mad.deploy.stack.settings import Stack

TTL_S = 120.0
"""How long a lease lasts that is not renewed. A third of it passes between renewals, so two may
fail."""
GRACE_S = 60.0
"""How long past its end a lease of another machine is left alone: clocks differ."""
TRIES = 5
SETTLING_S = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Pauses before a lease that was never seen since it was written counts as lost: AWS may not show
at once what was just made."""


class LockHeldError(Exception):
    """Somebody else works on the stack."""

    def __init__(self, where: str, lease: Lease | None) -> None:
        self.lease = lease
        """None: what is there is no lease of ours."""
        if lease is None:
            self.who = self.since = "unknown"
            sentence = f"the stack is locked: the {where} is there, without a lease of mad"
            self.remedy = f"find out who made the {where} and remove it by hand"
        else:
            self.who, self.since = lease.who, lease.started
            sentence = (
                f"the stack is being changed: `{lease.op}` by {lease.who} on {lease.host} "
                f"(process {lease.pid.partition('@')[0]}) since {lease.started}"
            )
            self.remedy = (
                f"wait for it; when that run is dead its lease ends at {lease.expires}, or now "
                "with `python -m mad.deploy unlock`"
            )
        super().__init__(sentence)


class LockLostError(Exception):
    """Our lease was taken over or broken: nothing more may be changed."""

    def __init__(self, where: str, holder: Lease | None) -> None:
        by = f"; {holder.who} on {holder.host} holds it now" if holder else ""
        super().__init__(f"the lock of the stack was lost (the {where}){by}")
        self.remedy = "run the same command again: it goes on from what is there"


def store_of(aws: Aws, stack: Stack) -> Store:
    """`[lock] bucket` of the stack file, or a key pair."""
    if stack.lock_bucket:
        return BucketStore(aws, stack.name, stack.lock_bucket)
    return KeyPairStore(aws, stack.name)


class Lock:
    """Holds the stack while in a `with` block; a thread renews the lease until then.

        with Lock(store_of(aws, stack), op="up", who=aws.identity().arn, listener=show) as lock:
            context = Context(aws, stack, lock.lease, observed)
            lock.renew()  # before each phase that changes something

    Raises LockHeldError at the start, LockLostError of `renew`, AwsError of both."""

    def __init__(
        self,
        store: Store,
        *,
        op: str,
        who: str,
        listener: Listener = lambda _event: None,
        on_lost: Callable[[], None] = lambda: None,
        ttl_s: float = TTL_S,
        settling: Sequence[float] = SETTLING_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._settling = settling
        self._listener = listener
        self._on_lost = on_lost
        self._ttl_s = ttl_s
        self._clock = clock
        self._mine = new_lease(who, op, clock(), ttl_s)
        self._handle: str | None = None
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost = threading.Event()
        """Set once the lease is known to be another's."""

    @property
    def lease(self) -> str:
        """The name of this run: part of every client token it sends."""
        return self._mine.lease

    def acquire(self) -> None:
        """Takes the lock, or takes it over from a run that is dead. Raises LockHeldError."""
        holder: Written | None = None
        for attempt in range(TRIES):
            self._mine = self._mine.until(self._end())
            handle = self._store.write(self._mine)
            if handle is not None:
                self._begin(handle)
                return
            holder = self._store.read()
            if holder is None:
                # Let go of between the two calls, or not to be seen yet.
                self._ended.wait(0.1 * attempt)
                continue
            if holder.lease is not None and holder.lease.lease == self._mine.lease:
                # Our own write, answered too late and sent again.
                self._begin(holder.handle)
                return
            why = self._why_over(holder.lease)
            if why is None or holder.lease is None:
                break
            self._store.drop(holder.handle)
            self._listener(
                Note(
                    f"took over the lock of `{holder.lease.op}` by {holder.lease.who} on "
                    f"{holder.lease.host}, since {holder.lease.started}: {why}",
                    warning=True,
                )
            )
        raise LockHeldError(self._store.where, holder.lease if holder else None)

    def renew(self) -> None:
        """Reads whether the lease is still ours and makes it last longer. Raises LockLostError."""
        with self._guard:
            if self._handle is None:
                raise LockLostError(self._store.where, None)
            for pause in (*self._settling, None):
                written = self._store.read()
                ours = written is not None and (
                    written.lease is not None and written.lease.lease == self._mine.lease
                )
                longer = self._mine.until(self._end())
                handle = self._store.extend(written.handle, longer) if written and ours else None
                if handle is not None:
                    # Seen once, it is no longer young.
                    self._mine, self._handle, self._settling = longer, handle, ()
                    return
                if pause is None or (written is not None and not ours):
                    break
                self._ended.wait(pause)
            self._handle = None
        self.lost.set()
        self._on_lost()
        raise LockLostError(self._store.where, written.lease if written and not ours else None)

    def release(self) -> None:
        """Lets go. A lease that is not ours any more is left alone."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=self._ttl_s)
        with self._guard:
            handle, self._handle = self._handle, None
        if handle is None:
            return
        for pause in (*self._settling, None):
            if self._store.drop(handle) or pause is None:
                return
            time.sleep(pause)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            self.release()
        except (AwsError, HostError) as error:
            self._listener(
                Note(
                    f"the lock stays until {self._mine.expires} ({error}); "
                    "`python -m mad.deploy unlock` removes it now",
                    warning=True,
                )
            )

    def _begin(self, handle: str) -> None:
        self._handle = handle
        self._ended.clear()
        self._thread = threading.Thread(target=self._beat, name="mad-lock", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._ended.wait(self._ttl_s / 3):
            try:
                self.renew()
            except LockLostError:
                return
            except (AwsError, HostError):
                # Out of reach for a while is no loss, as long as nobody may take the lease over.
                if not self._mine.expired(self._clock(), 0.0):
                    continue
                self.lost.set()
                self._on_lost()
                return

    def _end(self) -> datetime:
        return self._clock() + timedelta(seconds=self._ttl_s)

    def _why_over(self, lease: Lease | None) -> str | None:
        if lease is None:
            return None
        if lease.dead():
            return "its process is gone"
        if lease.expired(self._clock(), GRACE_S):
            return f"it ended at {lease.expires}"
        return None


def unlock(store: Store) -> Lease | None:
    """Breaks the lock, whoever holds it, and says who did; None if nobody. Raises LockHeldError
    when what is there is not ours."""
    written = store.read()
    if written is None:
        return None
    if written.lease is None:
        raise LockHeldError(store.where, None)
    store.drop(written.handle)
    return written.lease
