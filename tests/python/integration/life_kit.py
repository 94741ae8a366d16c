"""`./script/aws-local` as a process, the real command line beside it, and boto3 behind its back."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 120
REGION = "eu-west-2"


@contextmanager
def aws_local(*arguments: str) -> Iterator[str]:
    """Its address; ends it as a service manager would."""
    with subprocess.Popen(
        [str(ROOT / "script/aws-local"), *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], LIMIT_S)[0], "it does not start"
            line = process.stdout.readline()
            assert line.startswith("ready aws-local http://127.0.0.1:"), line
            yield line.split()[2]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT_S) == 0


class Life:
    """A folder with a stack file, and an AWS."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "HOME": str(folder),
        }
        self.output = ""
        """All that was printed so far, to both."""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "mad.deploy", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        self.output += done.stdout + done.stderr
        assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def read(self, *arguments: str, code: int = 0) -> Any:
        """The last document of what it printed."""
        text = self(*arguments, code=code)
        try:
            return json.loads(text)
        except ValueError:
            return json.loads(text.splitlines()[-1])

    def plan(self) -> list[tuple[str, str]]:
        """Verb and address of each action."""
        plan = self.read("plan", "--json")
        return sorted((one["verb"], one["address"]) for one in plan["actions"])

    def hosts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.read("status", "--json")["outputs"]["hosts"]
        return found

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def everything(self) -> dict[str, Any]:
        """All of the account that a stack can consist of, whatever its tags say."""
        ec2, caches = self.client("ec2"), self.client("elasticache")
        machines = [
            one
            for group in ec2.describe_instances()["Reservations"]
            for one in group["Instances"]
            if one["State"]["Name"] != "terminated"
        ]
        return {
            "machines": machines,
            "disks": ec2.describe_volumes()["Volumes"],
            "interfaces": ec2.describe_network_interfaces()["NetworkInterfaces"],
            "addresses": ec2.describe_addresses()["Addresses"],
            "keys": ec2.describe_key_pairs()["KeyPairs"],
            "groups": sorted(
                (one["GroupName"], one["VpcId"])
                for one in ec2.describe_security_groups()["SecurityGroups"]
            ),
            "networks": sorted(one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]),
            "subnets": sorted(one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]),
            "gateways": sorted(
                one["InternetGatewayId"]
                for one in ec2.describe_internet_gateways()["InternetGateways"]
            ),
            "routes": sorted(
                one["RouteTableId"] for one in ec2.describe_route_tables()["RouteTables"]
            ),
            "caches": caches.describe_replication_groups()["ReplicationGroups"],
            "places": caches.describe_cache_subnet_groups()["CacheSubnetGroups"],
            "classic": self.client("elb").describe_load_balancers()["LoadBalancerDescriptions"],
            "balancers": self.client("elbv2").describe_load_balancers()["LoadBalancers"],
            "targets": self.client("elbv2").describe_target_groups()["TargetGroups"],
            "secrets": self.client("ssm").describe_parameters()["Parameters"],
        }
