"""What a stack file may hold, and what is said about each mistake in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mad.deploy.stack.load import Mistake, StackError, load, parse
from mad.deploy.stack.settings import Machines, Role, Stack

HEAD = 'name = "mad-x7k2"\nregion = "eu-west-2"\n'
FILE = Path("folder/mad.toml")
CERT = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n"


def mistakes(text: str, path: Path = FILE) -> tuple[Mistake, ...]:
    with pytest.raises(StackError) as caught:
        parse(text, path)
    return caught.value.mistakes


def only(text: str, path: Path = FILE) -> Mistake:
    (mistake,) = mistakes(text, path)
    return mistake


def test_a_file_with_name_and_region_has_the_defaults_of_the_settings() -> None:
    assert parse(HEAD, FILE) == Stack("mad-x7k2", "eu-west-2", file=FILE.absolute())


def test_every_key_comes_to_its_setting(tmp_path: Path) -> None:
    for name, text in (("c.pem", CERT), ("k.pem", KEY), ("tokens.toml", "")):
        (tmp_path / name).write_text(text)
    path = tmp_path / "mad.toml"
    path.write_text(
        """\
name = "prod"
region = "us-gov-west-1"
runtime = "docker"
network = { vpc = "vpc-0123456789abcdef0", ssh_from = ["10.0.0.0/8", "::/0"], private = true }
limits.monthly_usd = 120
[ssh]
public_key = "id.pub"
private_key = "/keys/id"
user = "admin"
[api]
count = 50
type = "u-6tb1.metal"
image = "ami-0123456789abcdef0"
disk_gib = 16
[api_lb]
count = 1
kind = "haproxy"
type = "t4g.nano"
[client]
count = 0
[web]
count = 3
lb = "classic"
domain = "health.example.org"
[redis]
engine = "redis"
version = "7.0"
nodes = 2
type = "cache.r7g.large"
tls = false
[tls]
cert = "c.pem"
key = "k.pem"
[access]
anonymous = true
tokens = "tokens.toml"
[update]
max_parallel = "25%"
canary = 0
min_healthy_time = "500ms"
healthy_deadline = "1.5m"
auto_revert = false
[release]
url = "s3://releases/mad"
[lock]
bucket = "my-locks"
"""
    )
    stack = load(path)
    assert (stack.name, stack.region, stack.runtime) == ("prod", "us-gov-west-1", "docker")
    assert stack.network.vpc == "vpc-0123456789abcdef0"
    assert stack.network.ssh_from == ("10.0.0.0/8", "::/0")
    assert stack.network.private
    assert stack.ssh.public_key == tmp_path / "id.pub"
    assert (stack.ssh.private_key, stack.ssh.user) == (Path("/keys/id"), "admin")
    assert stack.api == Machines(50, "u-6tb1.metal", "ami-0123456789abcdef0", 16)
    assert (stack.api_lb.type, stack.api_lb_kind) == ("t4g.nano", "haproxy")
    assert stack.machines(Role.CLIENT).count == 0
    assert (stack.web.machines.count, stack.web.domain) == (3, "health.example.org")
    assert (stack.redis.engine, stack.redis.version, stack.redis.nodes) == ("redis", "7.0", 2)
    assert (stack.redis.type, stack.redis.tls, stack.redis.url) == ("cache.r7g.large", False, None)
    assert stack.tls
    assert (stack.tls.cert, stack.tls.key) == (tmp_path / "c.pem", tmp_path / "k.pem")
    assert (stack.access.anonymous, stack.access.tokens) == (True, tmp_path / "tokens.toml")
    assert (stack.update.max_parallel, stack.update.canary) == ("25%", 0)
    assert (stack.update.min_healthy_time_s, stack.update.healthy_deadline_s) == (0.5, 90.0)
    assert not stack.update.auto_revert
    assert (stack.release_url, stack.lock_bucket) == ("s3://releases/mad", "my-locks")
    assert (stack.monthly_usd, stack.file) == (120.0, path)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    found = mistakes(
        """\
nmae = "x"
region = "eu-west-2a"
[network]
ssh_from = [
  "10.0.0.0/8",
  "10.0.0.1/8",
]
[apis]
count = 3
[api]
cuont = 3
count = "4"
[tls]
cert = "missing.pem"
[redis]
engine = "redis"
version = "8.0"
"""
    )
    assert [(mistake.line, mistake.key) for mistake in found] == [
        (1, "nmae"),
        (1, "name"),
        (2, "region"),
        (6, "network.ssh_from"),
        (8, "apis"),
        (11, "api.cuont"),
        (12, "api.count"),
        (13, "tls.key"),
        (14, "tls.cert"),
        (17, "redis.version"),
    ]
    assert {mistake.file for mistake in found} == {FILE}


MISTAKES = [
    # Unknown ones, and what was meant.
    ("[apis]", "apis", "unknown table", "write [api]"),
    ("[lb]", "lb", "unknown table", "known tables: [network]"),
    ("[api]\ncounts = 2", "api.counts", "unknown key", "write count"),
    ("[api]\ninstance_type = 2", "api.instance_type", "unknown key", "write type"),
    ("[api]\nami = 2", "api.ami", "unknown key", "write image"),
    ("[api]\nlb = 2", "api.lb", "unknown key", "it belongs to [web]"),
    ("[api]\nregion = 2", "api.region", "unknown key", "the top of the file"),
    ("[api]\nzzz = 2", "api.zzz", "unknown key", "known in [api]: count, type"),
    ("[api.count]", "api.count", "a table where an integer", "one of 1 to 50"),
    # Tables that are none.
    ("api = 3", "api", "an integer where a table", "[api] on a line"),
    ("[[api]]", "api", "an array of tables", "write [api], once"),
    # Numbers.
    ('[api]\ncount = "4"', "api.count", "a string where an integer", "4 without quotes"),
    ("[api]\ncount = 4.0", "api.count", "a number where an integer", "1 to 50"),
    ("[api]\ncount = true", "api.count", "a boolean where an integer", "1 to 50"),
    ("[api]\ncount = 0", "api.count", "0 is out of range", "1 to 50"),
    ("[api]\ncount = 51", "api.count", "51 is out of range", "1 to 50"),
    ("[client]\ncount = -1", "client.count", "-1 is out of range", "0 to 50"),
    ("[web]\ncount = 51", "web.count", "51 is out of range", "0 to 50"),
    ("[api_lb]\ncount = 2", "api_lb.count", "2 is out of range", "a larger type"),
    ("[api_lb]\ncount = 0", "api_lb.count", "0 is out of range", "write 1"),
    ("[api]\ndisk_gib = 7", "api.disk_gib", "7 is out of range", "8 to 16384"),
    ("[redis]\nnodes = 7", "redis.nodes", "7 is out of range", "five copies"),
    ("[limits]\nmonthly_usd = 0", "limits.monthly_usd", "out of range", "more than 0"),
    ("[limits]\nmonthly_usd = nan", "limits.monthly_usd", "out of range", "more than 0"),
    ('[limits]\nmonthly_usd = "9"', "limits.monthly_usd", "a string", "without quotes"),
    # Words.
    ('[network]\nprofile = "opne"', "network.profile", "is none of", 'write "open"'),
    ('[network]\nprivate = "true"', "network.private", "a string where true", "write true, unq"),
    ("[network]\nprivate = 1", "network.private", "an integer where true", "true or false"),
    ('[network]\nvpc = "vpc-12"', "network.vpc", "is not default, own", '"own", or the id'),
    ('[network]\nvpc = "defualt"', "network.vpc", "is not default, own", 'write "default"'),
    ("runtime = 1", "runtime", "an integer where a string", '"native"'),
    ('runtime = "podman"', "runtime", "is none of", '"native"'),
    ('[api]\nimage = "ubuntu-24-04"', "api.image", "is not one of", 'write "ubuntu-24.04"'),
    ('[api]\nimage = "ubuntu-24x04"', "api.image", "is not one of", 'write "ubuntu-24.04"'),
    ('[api]\nimage = "ami-xyz"', "api.image", "is not one of", "the id of an image"),
    ('[api]\ntype = "cache.t3.micro"', "api.type", "not a type of instance", '"t3.micro"'),
    ('[api]\ntype = "T3.micro"', "api.type", "not a type of instance", '"t3.micro"'),
    ('[redis]\ntype = "t3.micro"', "redis.type", "not a type of cache", '"cache.t4g.micro"'),
    ('[api_lb]\nkind = "alb"', "api_lb.kind", "is none of", '"mad"'),
    ('[web]\nlb = "nlb"', "web.lb", "is none of", '"alb"'),
    ('[web]\ndomain = "https://a.b"', "web.domain", "not the name of a host", "alone"),
    ('[web]\ndomain = "localhost"', "web.domain", "not the name of a host", "alone"),
    ('[ssh]\nuser = "a b"', "ssh.user", "not the name of a user", "ubuntu"),
    ('[ssh]\npublic_key = ""', "ssh.public_key", "an empty file name", "remove the key"),
    ('[lock]\nbucket = "s3://x"', "lock.bucket", "not the name of a bucket", "without s3://"),
    ('[lock]\nbucket = "a..b"', "lock.bucket", "not the name of a bucket", "without s3://"),
    # Networks and addresses.
    ('[network]\nssh_from = "10.0.0.0/8"', "network.ssh_from", "array", '["10.0.0.0/8"]'),
    ("[network]\nssh_from = [7]", "network.ssh_from", "an integer where a CIDR", "192.0.2.0/24"),
    ('[network]\nssh_from = ["10.0.0/8"]', "network.ssh_from", "not a CIDR", "192.0.2.0/24"),
    ('[network]\nssh_from = ["10.0.0.0/33"]', "network.ssh_from", "not a CIDR", "192.0.2.0/24"),
    ('[network]\nssh_from = ["10.1.2.3/8"]', "network.ssh_from", "bits beside", '"10.0.0.0/8"'),
    ('[network]\nssh_from = ["10.1.2.3/8"]', "network.ssh_from", "bits beside", '"10.1.2.3/32"'),
    ('[network]\nssh_from = ["::1/0"]', "network.ssh_from", "bits beside", '"::1/128"'),
    ('[network]\nssh_from = ["::/0", "::/0"]', "network.ssh_from", "twice", "remove one"),
    # Durations and shares.
    ("[update]\nmin_healthy_time = 10", "update.min_healthy_time", "without a unit", '"10s"'),
    ('[update]\nmin_healthy_time = "10"', "update.min_healthy_time", "not a duration", '"10s"'),
    ('[update]\nmin_healthy_time = "2d"', "update.min_healthy_time", "not a duration", "ms, s"),
    ("[update]\nmin_healthy_time = true", "update.min_healthy_time", "a boolean", '"1h"'),
    ('[update]\nhealthy_deadline = "61m"', "update.healthy_deadline", "out of range", "1s to 1h"),
    ('[update]\nhealthy_deadline = "10s"', "update.healthy_deadline", "for longer", "above"),
    ('[update]\nmin_healthy_time = "3m"', "update.min_healthy_time", "for longer", "above"),
    ("[update]\nmax_parallel = 0", "update.max_parallel", "out of range", '"25%"'),
    ('[update]\nmax_parallel = "0%"', "update.max_parallel", "no share", '"100%"'),
    ('[update]\nmax_parallel = "101%"', "update.max_parallel", "no share", '"100%"'),
    ("[update]\nmax_parallel = 0.25", "update.max_parallel", "a number where", '"25%"'),
    # Redis.
    ('[redis]\nversion = "8"', "redis.version", "not a version", '"8.0"'),
    ("[redis]\nversion = 8.0", "redis.version", "a number where a string", 'it as "8.0"'),
    ('[redis]\nversion = "7.1"', "redis.version", "no valkey 7.1", 'engine = "redis"'),
    (
        '[redis]\nengine = "redis"\nversion = "7.2"',
        "redis.version",
        "no redis 7.2",
        'engine = "valkey"',
    ),
    (
        '[redis]\nengine = "redis"\nversion = "3.2.10"',
        "redis.version",
        "no redis 3.2.10",
        "5.0.6",
    ),
    ('[redis]\nurl = "http://a"', "redis.url", "not a URL of rediss://", "begin it with"),
    ('[redis]\nurl = "redis://"', "redis.url", "without a right host", "HOST[:PORT]"),
    ('[redis]\nurl = "redis://a:0"', "redis.url", "without a right host", "HOST[:PORT]"),
    ('[redis]\nurl = "redis://a:66000"', "redis.url", "without a right host", "HOST[:PORT]"),
    ('[redis]\nurl = "redis://a b"', "redis.url", "without a right host", "HOST[:PORT]"),
    ('[redis]\nurl = "redis://[::g]"', "redis.url", "without a right host", "HOST[:PORT]"),
    ('[redis]\nurl = "redis://a"\nnodes = 2', "redis.nodes", "of no use with url", "remove nodes"),
    ('[redis]\nurl = "redis://a"\ntls = true', "redis.tls", "of no use with url", "remove tls"),
    ('[release]\nurl = "http://a"', "release.url", "not a URL of https://", "s3://"),
    # Machines that exist.
    ('[hosts]\napi = ["a"]', "hosts.api_lb", "no machine", 'api_lb = ["ADDRESS"]'),
    ('[hosts]\napi_lb = ["a"]', "hosts.api", "no machine", 'api = ["ADDRESS"]'),
    ('[hosts]\napi = ["a"]\napi_lb = ["b", "c"]', "hosts.api_lb", "2 are too many", "at most 1"),
    ('[hosts]\napi = ["a", "A"]\napi_lb = ["b"]', "hosts.api", "twice", "remove one"),
    ('[hosts]\napi = ["root@a"]\napi_lb = ["b"]', "hosts.api", "not an address", "ssh.user"),
    ('[hosts]\napi = ["1.2.3"]\napi_lb = ["b"]', "hosts.api", "not an address", "192.0.2.7"),
    ('[hosts]\napi = ["ssh://a/x"]\napi_lb = ["b"]', "hosts.api", "not an address", '"a"'),
    ('[hosts]\napi = "a"\napi_lb = ["b"]', "hosts.api", "array", '["a"]'),
    ('[hosts]\napi = [1]\napi_lb = ["b"]', "hosts.api", "an integer where an address", "192.0"),
    (
        '[api]\ncount = 2\n[hosts]\napi = ["a"]\napi_lb = ["b"]',
        "api.count",
        "of no use with [hosts]",
        "remove it",
    ),
    (
        'network.vpc = "own"\n[hosts]\napi = ["a"]\napi_lb = ["b"]',
        "network.vpc",
        "of no use with [hosts]",
        "remove it",
    ),
    (
        '[hosts]\napi = ["a"]\napi_lb = ["b"]\n[redis]\nurl = "redis://c"\nnodes = 2',
        "redis.nodes",
        "of no use with [hosts]",
        "remove it",
    ),
]


@pytest.mark.parametrize(("text", "key", "problem", "remedy"), MISTAKES)
def test_a_mistake_is_told_with_its_remedy(text: str, key: str, problem: str, remedy: str) -> None:
    mistake = only(HEAD + text)
    assert mistake.key == key
    assert problem in mistake.problem
    assert remedy in mistake.remedy
    assert mistake.line > 2


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("a", "mad-x7k2"),
        ("A_b", '"a-b"'),
        ("1st", '"st"'),
        ("two--hyphens", '"two-hyphens"'),
        ("ends-", '"ends"'),
        ("-begins", '"begins"'),
        ("a" * 25, f'"{"a" * 24}"'),
        ("a" * 23 + "-bc", f'"{"a" * 23}"'),
        ("line\\n", '"line"'),
        ("", "mad-x7k2"),
    ],
)
def test_a_name_that_does_not_fit_everywhere_at_aws_is_refused(name: str, suggested: str) -> None:
    mistake = only(f'name = "{name}"\nregion = "eu-west-2"')
    assert (mistake.line, mistake.key) == (1, "name")
    assert suggested in mistake.remedy


@pytest.mark.parametrize("name", ["ab", "a" * 24, "a-b-c", "x1"])
def test_a_name_that_fits_is_taken(name: str) -> None:
    assert parse(f'name = "{name}"\nregion = "eu-west-2"', FILE).name == name


@pytest.mark.parametrize("region", ["eu-west-2a", "London", "eu_west_2", "eu-west", ""])
def test_what_is_no_region_is_refused(region: str) -> None:
    assert only(f'name = "ab"\nregion = "{region}"').key == "region"


def test_a_region_of_the_command_line_goes_before_the_files() -> None:
    assert parse(HEAD, FILE, region="us-east-1").region == "us-east-1"
    assert parse('name = "ab"', FILE, region="us-east-1").region == "us-east-1"
    assert only('name = "ab"').problem == "missing"
    with pytest.raises(StackError, match="not a region"):
        parse(HEAD, FILE, region="moon")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name = ", 1, "Invalid value"),
        ("name = mad", 1, "in double quotes"),
        ('a = 1\n[api]\ncount = 2\ncount = 3\n[web]\nlb = "alb"', 4, "remove one"),
        ("a = 1\n[api]\n\n[api]\n", 4, "one header"),
        ('a = """\n\n\n', 3, "close"),
        ("[api\n", 1, "close the header"),
        ("count 3\n", 1, "key = value"),
        ("a = 1 b = 2", 1, "one key a line"),
    ],
)
def test_what_is_no_toml_keeps_its_line(text: str, line: int, said: str) -> None:
    mistake = only(text)
    assert mistake.line == line
    assert mistake.problem.startswith("not TOML")
    assert said in str(mistake)


def test_files_that_cannot_be_read_are_mistakes_too(tmp_path: Path) -> None:
    def said(path: Path) -> str:
        with pytest.raises(StackError) as caught:
            load(path)
        (mistake,) = caught.value.mistakes
        return str(mistake)

    assert "mad deploy init" in said(tmp_path / "none.toml")
    assert "this is a folder" in said(tmp_path)
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"a = 1\nb = '\xff'\n")
    assert said(bad).startswith(f"{bad}:2: not UTF-8")
    bad.write_bytes(b"#" * (1 << 20) + b"\n")
    assert "larger than 1 MiB" in said(bad)


@pytest.mark.parametrize(
    ("cert", "key", "wrong", "said"),
    [
        (KEY, CERT, ("tls.cert", "tls.key"), "exchange"),
        ("text", KEY, ("tls.cert",), "no certificate"),
        (CERT, "text", ("tls.key",), "no private key"),
        (CERT, KEY.replace("PRIVATE", "ENCRYPTED PRIVATE"), ("tls.key",), "passphrase"),
        (CERT, None, ("tls.key",), "there is no file"),
    ],
)
def test_a_certificate_and_its_key_are_looked_into(
    tmp_path: Path, cert: str, key: str | None, wrong: tuple[str, ...], said: str
) -> None:
    (tmp_path / "c").write_text(cert)
    if key is not None:
        (tmp_path / "k").write_text(key)
    found = mistakes(HEAD + '[tls]\ncert = "c"\nkey = "k"\n', tmp_path / "mad.toml")
    assert tuple(mistake.key for mistake in found) == wrong
    assert said in str(found[0])


def test_a_certificate_does_not_go_together_with_an_alb(tmp_path: Path) -> None:
    (tmp_path / "c").write_text(CERT)
    (tmp_path / "k").write_text(KEY)
    text = HEAD + '[tls]\ncert = "c"\nkey = "k"\n[web]\nlb = "alb"'
    mistake = only(text, tmp_path / "mad.toml")
    assert mistake.key == "web.lb"
    assert 'lb = "classic"' in mistake.remedy


def test_both_halves_of_tls_are_needed(tmp_path: Path) -> None:
    found = mistakes(HEAD + "[tls]", tmp_path / "mad.toml")
    assert [mistake.key for mistake in found] == ["tls.cert", "tls.key"]
    (tmp_path / "k").write_text(KEY)
    assert only(HEAD + '[tls]\nkey = "k"', tmp_path / "mad.toml").key == "tls.cert"


def test_a_file_of_tokens_must_be_there(tmp_path: Path) -> None:
    mistake = only(HEAD + '[access]\ntokens = "t.toml"', tmp_path / "mad.toml")
    assert str(tmp_path / "t.toml") in mistake.problem


def test_the_password_of_a_redis_is_in_no_message_and_no_representation() -> None:
    secret = "hunter2secret"
    url = f"rediss://u:{secret}@db.example.org:6379/0"
    assert secret not in repr(parse(f'{HEAD}redis.url = "{url}"', FILE))
    for wrong in (f"https://u:{secret}@a", f"rediss://u:{secret}@:1", f"rediss://{secret} @b"):
        assert secret not in str(only(f'{HEAD}redis.url = "{wrong}"'))


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "rediss://:p@10.0.0.1:6379/3?db=1",
        "redis://[::1]:6379",
        "redis://a:1,b:2?cluster=1",
        "redis+sentinel://a,b:26379/main",
    ],
)
def test_each_form_of_a_redis_url_is_taken(url: str) -> None:
    assert parse(f'{HEAD}redis.url = "{url}"', FILE).redis.url == url


def test_machines_that_exist_make_the_counts() -> None:
    stack = parse(
        'name = "rack"\n[hosts]\napi = ["10.0.0.1", "FD00::1"]\napi_lb = ["Proxy.lan"]', FILE
    )
    assert stack.region == ""
    assert stack.hosts == {Role.API: ("10.0.0.1", "fd00::1"), Role.API_LB: ("proxy.lan",)}
    assert [stack.machines(role).count for role in Role] == [2, 1, 0, 0]


def test_an_address_alone_is_itself() -> None:
    text = HEAD + '[network]\nssh_from = ["192.0.2.7", "2001:db8::1"]'
    assert parse(text, FILE).network.ssh_from == ("192.0.2.7/32", "2001:db8::1/128")


def test_a_path_counts_from_the_file_or_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    text = HEAD + '[ssh]\npublic_key = "~/id.pub"\nprivate_key = "id"'
    stack = parse(text, FILE)
    assert stack.ssh.public_key == tmp_path / "id.pub"
    assert stack.ssh.private_key == FILE.absolute().parent / "id"
    assert stack.ssh.private_key.is_absolute()


@pytest.mark.parametrize("text", [HEAD.replace("\n", "\r\n"), "\ufeff" + HEAD])
def test_files_of_other_systems_are_read(text: str) -> None:
    assert parse(text, FILE).name == "mad-x7k2"


def test_reading_a_stack_needs_no_library_that_is_slow_to_load() -> None:
    code = (
        "import sys, mad.deploy.stack.load, mad.deploy.stack.edit, mad.deploy.stack.keys,"
        " mad.deploy.stack.template;"
        "print(sorted({'boto3', 'botocore', 'pydantic', 'tomlkit', 'rich'} & set(sys.modules)))"
    )
    said: Any = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == "[]"
