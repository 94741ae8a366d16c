"""What a stack costs by the list, and what whoever agrees to it is told."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mad.deploy.plan.cost import cost
from mad.deploy.plan.desired import desired
from mad.deploy.plan.model import Cost, CostLine, Found, InstanceFacts, Observed, Surroundings, Zone
from mad.deploy.plan.planner import destroy_plan, plan
from mad.deploy.plan.warnings import news, other_network, over_budget, warnings
from mad.deploy.stack.settings import (
    Access,
    Machines,
    Network,
    Redis,
    Stack,
    Tls,
    Web,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHAzrXj5"
ZONES = tuple(Zone(f"us-east-1{one}", f"subnet-{one}") for one in "abc")
NOTHING = Observed((), Surroundings("123456789012", "us-east-1", "vpc-1", ZONES))
TLS = Tls(Path("cert.pem"), Path("key.pem"))


def stack(type: str = "t3.micro", **more: object) -> Stack:
    two = Machines(2, type)
    base = Stack("x", "us-east-1", two, Machines(1, type), two, Web(two))
    return replace(base, **more)  # type: ignore[arg-type]


def of(given: Stack, region: str = "us-east-1") -> Cost:
    return cost(desired(given, NOTHING, KEY), region)


def test_the_stack_of_the_original_costs_what_its_parts_do() -> None:
    lines = {one.what: one.monthly_usd for one in of(stack()).lines}
    assert lines == {
        "2 t3.micro (api)": 15.18,
        "1 t3.micro (api_lb)": 7.59,
        "2 t3.micro (client)": 15.18,
        "2 t3.micro (web)": 15.18,
        "56 GiB of gp3": 4.48,
        "1 cache.t4g.micro (valkey)": 9.34,
        "1 load balancer (classic)": 18.25,
        # 7 machines, and 3 zones of the balancer; the Elastic IP is that of a machine.
        "10 public IPv4 addresses": 36.5,
    }
    assert of(stack()).monthly_usd == pytest.approx(121.7)


@pytest.mark.parametrize(
    ("given", "line", "usd"),
    [
        (stack(network=Network(private=True)), "4 public IPv4 addresses", 14.6),
        (stack(redis=Redis(engine="redis", nodes=2)), "2 cache.t4g.micro (redis)", 23.36),
        (stack(web=Web(Machines(1), lb="alb")), "1 load balancer (alb)", 16.43),
    ],
)
def test_what_a_setting_costs(given: Stack, line: str, usd: float) -> None:
    (found,) = [one.monthly_usd for one in of(given).lines if one.what == line]
    assert found == pytest.approx(usd, abs=0.01)


def test_other_regions_cost_more_but_an_address_is_the_same_everywhere() -> None:
    here, there = of(stack()), of(stack(), "eu-west-2")
    prices = {one.what: one.monthly_usd for one in there.lines}
    for one in here.lines:
        factor = 1.0 if "IPv4" in one.what else 1.13
        assert prices[one.what] == pytest.approx(one.monthly_usd * factor, abs=0.01)


def test_a_type_without_a_price_is_named_once_and_told() -> None:
    found = of(stack("x9.huge"))
    assert found.unknown == ("x9.huge",)
    assert not any("x9.huge" in one.what for one in found.lines)
    told = warnings(stack("x9.huge"), (), found)
    assert any(one.startswith("x9.huge has no price in the list of 20") for one in told)


def test_a_stack_of_machines_that_exist_costs_nothing() -> None:
    assert of(stack(hosts={})).lines == ()


@pytest.mark.parametrize(
    ("given", "open_ports"),
    [
        (stack(), ["80 of api_lb", "80 of web_lb"]),
        (stack(tls=TLS), ["80 of api_lb", "443 of api_lb", "80 of web_lb", "443 of web_lb"]),
        (
            stack(network=Network(ssh_from=("0.0.0.0/0",)), web=Web(Machines(0))),
            ["22 of api", "22 of api_lb", "80 of api_lb", "22 of client"],
        ),
        (
            stack(network=Network(profile="open")),
            [
                "22 of api",
                "3000 of api",
                "22 of api_lb",
                "80 of api_lb",
                "22 of client",
                "22 of web",
                "80 of web",
                "80 of web_lb",
            ],
        ),
    ],
)
def test_each_port_that_the_world_may_use_is_a_line(given: Stack, open_ports: list[str]) -> None:
    told = warnings(given, desired(given, NOTHING, KEY), of(given))
    assert [one for one in told if one.startswith("port ")] == [
        f"port {one} is open to the world" for one in open_ports
    ]


@pytest.mark.parametrize(
    ("given", "words", "is_told"),
    [
        (stack(), "tokens travel without TLS", True),
        (stack(tls=TLS), "tokens travel without TLS", False),
        (stack(access=Access(anonymous=True)), "tokens travel without TLS", False),
        (stack(access=Access(anonymous=True)), "[access] anonymous", True),
        (stack(), "[access] anonymous", False),
        (stack(), "Redis has one node", True),
        (stack(redis=Redis(nodes=2)), "Redis has one node", False),
        (stack(redis=Redis(url="rediss://redis.example.org")), "Redis has one node", False),
        (stack(redis=Redis(tls=False)), "[redis] tls = false", True),
        (stack(), "[redis] tls = false", False),
    ],
)
def test_what_one_should_know(given: Stack, words: str, is_told: bool) -> None:
    told = warnings(given, desired(given, NOTHING, KEY), of(given))
    assert any(words in one for one in told) is is_told


@pytest.mark.parametrize(
    ("limit", "costs", "why"),
    [
        (None, 5000.0, None),
        (100.0, 100.0, None),
        (
            100.0,
            1234.5,
            "the stack would cost $1,234.50 a month; [limits] monthly_usd allows $100.00",
        ),
    ],
)
def test_a_limit_is_told_with_both_figures(
    limit: float | None, costs: float, why: str | None
) -> None:
    given = stack(monthly_usd=limit)
    assert over_budget(given, Cost((CostLine("all", costs),), "2026-10-16")) == why


@pytest.mark.parametrize(("newest", "told"), [("ami-1", False), ("ami-2", True)])
def test_a_newer_image_is_news_once(newest: str, told: bool) -> None:
    wanted = desired(stack(), NOTHING, KEY)
    facts = InstanceFacts("running", ami="ami-1", arch="amd64")
    found = tuple(Found(one, one.name, facts) for one in wanted if one.kind == "instance")
    around = replace(NOTHING.surroundings, newest_images={"ubuntu-24.04/amd64": newest})
    lines = news(Observed(found, around), wanted)
    assert lines == (("a newer image of ubuntu-24.04 is there: ami-2",) if told else ())


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [("default", "own", True), ("own", "default", True), ("own", "own", False)],
)
def test_a_stack_does_not_move_to_another_network(first: str, second: str, refused: bool) -> None:
    wanted = desired(stack(network=Network(vpc=first)), NOTHING, KEY)
    there = replace(NOTHING, found=tuple(Found(one, f"{one.address}") for one in wanted))
    made = plan(stack(network=Network(vpc=second)), there, KEY)
    assert (other_network(made, there) is not None) is refused
    assert other_network(destroy_plan(there), there) is None
    new = plan(stack(network=Network(vpc=second)), NOTHING, KEY)
    assert other_network(new, NOTHING) is None


def test_who_plans_knows_no_aws() -> None:
    code = (
        "import sys, mad.deploy.plan.planner; "
        "print(sorted({'boto3', 'botocore', 'pydantic', 'rich'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.strip() == "[]"
