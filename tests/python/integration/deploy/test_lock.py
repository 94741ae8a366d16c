"""The lock of a stack, on both things that can hold it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mad.deploy.cloud import tags
from mad.deploy.cloud.lease import new_lease
from mad.deploy.cloud.lock import TTL_S, Lock, LockHeldError, LockLostError, store_of, unlock
from mad.deploy.cloud.session import Aws
from mad.deploy.events import Event, Note
from mad.deploy.stack.settings import Machines, Stack, Web

BUCKET = "locks-of-mad"
ROUNDS = 50


def stack(bucket: str | None) -> Stack:
    return Stack(
        name="x",
        region="eu-west-2",
        api=Machines(1),
        api_lb=Machines(1),
        client=Machines(1),
        web=Web(Machines(1)),
        lock_bucket=bucket,
    )


@pytest.fixture(params=["key pair", "bucket"])
def place(request: pytest.FixtureRequest, aws_local: Any) -> tuple[Aws, Stack]:
    aws = Aws("eu-west-2", endpoint_url=aws_local.url)
    if request.param == "key pair":
        return aws, stack(None)
    aws.call(
        "s3",
        "create_bucket",
        Bucket=BUCKET,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-2"},
    )
    return aws, stack(BUCKET)


def lock(place: tuple[Aws, Stack], who: str, **more: Any) -> Lock:
    return Lock(store_of(*place), op="up", who=who, **more)


def test_a_lock_is_held_by_one_and_gone_afterwards(place: tuple[Aws, Stack]) -> None:
    with lock(place, "ann") as held:
        with pytest.raises(LockHeldError) as error:
            lock(place, "bob").acquire()
        assert error.value.who == "ann"
        held.renew()
    assert store_of(*place).read() is None
    with lock(place, "bob"):
        pass


def test_taking_and_letting_go_are_two_calls(place: tuple[Aws, Stack]) -> None:
    with lock(place, "ann"):
        pass
    calls = [name for service, name in place[0].calls if name != "CreateBucket"]
    assert calls in (["ImportKeyPair", "DeleteKeyPair"], ["PutObject", "DeleteObject"])


def test_of_two_that_race_exactly_one_wins(place: tuple[Aws, Stack]) -> None:
    def race(who: str) -> None:
        mine = lock(place, who)
        start.wait(30)
        try:
            mine.acquire()
        except LockHeldError:
            outcome.append("held")
        else:
            outcome.append("won")
        finish.wait(30)
        mine.release()

    for _ in range(ROUNDS):
        outcome: list[str] = []
        start, finish = threading.Barrier(2), threading.Barrier(2)
        racers = [threading.Thread(target=race, args=(who,)) for who in ("ann", "bob")]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(60)
        assert sorted(outcome) == ["held", "won"]
        assert store_of(*place).read() is None


def test_of_two_that_take_over_an_old_lease_exactly_one_wins(place: tuple[Aws, Stack]) -> None:
    def race(who: str) -> None:
        mine = lock(place, who)
        start.wait(30)
        try:
            mine.acquire()
        except LockHeldError:
            outcome.append("held")
        else:
            outcome.append("won")
        finish.wait(30)
        mine.release()

    long_ago = datetime.now(UTC) - timedelta(hours=1)
    old = replace(new_lease("carol", "up", long_ago, TTL_S), machine="000000000000")
    for _ in range(10):
        assert store_of(*place).write(old)
        outcome: list[str] = []
        start, finish = threading.Barrier(2), threading.Barrier(2)
        racers = [threading.Thread(target=race, args=(who,)) for who in ("ann", "bob")]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(60)
        assert sorted(outcome) == ["held", "won"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lease: replace(lease, pid=f"{lease.pid.partition('@')[0]}@1"), "its process is"),
        (
            lambda lease: replace(
                lease, machine="000000000000", expires="2026-01-01T00:00:00+00:00"
            ),
            "it ended at 2026-01-01T00:00:00+00:00",
        ),
    ],
)
def test_a_dead_lease_is_taken_over_with_a_note(
    place: tuple[Aws, Stack], change: Callable[[Any], Any], why: str
) -> None:
    store_of(*place).write(change(new_lease("carol", "scale", datetime.now(UTC), TTL_S)))
    events: list[Event] = []
    with lock(place, "ann", listener=events.append):
        pass
    (note,) = events
    assert isinstance(note, Note)
    assert "took over the lock of `scale` by carol" in note.text
    assert why in note.text


def test_unlock_breaks_the_lock_and_its_holder_stops(place: tuple[Aws, Stack]) -> None:
    with lock(place, "ann") as held:
        broken = unlock(store_of(*place))
        assert broken is not None
        assert (broken.who, broken.op) == ("ann", "up")
        with lock(place, "bob") as next_one:
            with pytest.raises(LockLostError, match="bob"):
                held.renew()
            held.release()
            next_one.renew()
    assert unlock(store_of(*place)) is None


def test_what_is_not_ours_is_left_alone(place: tuple[Aws, Stack]) -> None:
    aws, here = place
    if here.lock_bucket:
        aws.call("s3", "put_object", Bucket=BUCKET, Key="mad/x/lock.json", Body=b"a note")
    else:
        aws.call("ec2", "create_key_pair", KeyName="mad-x-lock")
    with pytest.raises(LockHeldError, match="without a lease of mad"):
        lock(place, "ann").acquire()
    with pytest.raises(LockHeldError, match="without a lease of mad"):
        unlock(store_of(*place))
    assert store_of(*place).read() is not None


def test_the_lock_carries_the_tags_by_which_policies_know_the_stack(aws_local: Any) -> None:
    aws = Aws("eu-west-2", endpoint_url=aws_local.url)
    with lock((aws, stack(None)), "arn:aws:iam::123456789012:user/ann"):
        (pair,) = aws.pages("ec2", "describe_key_pairs", "KeyPairs")
    assert pair["KeyName"] == "mad-x-lock"
    given = tags.read(pair["Tags"])
    assert given[tags.STACK] == "x"
    assert given[tags.ROLE] == "lock"
    assert given["mad:lock-who"] == "arn:aws:iam::123456789012:user/ann"
