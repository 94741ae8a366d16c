"""Says again and again what the local AWS has, one JSON object a line: `look.py URL`. Runs inside
the world, where that can be reached."""

from __future__ import annotations

import base64
import json
import sys
import time
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

EVERY_S = 0.3


def clients(url: str) -> dict[str, Any]:
    session = boto3.session.Session(
        aws_access_key_id="look", aws_secret_access_key="look", region_name="eu-west-2"
    )
    return {
        name: session.client(name, endpoint_url=url)
        for name in ("ec2", "elb", "elasticache", "ssm")
    }


def instances(at: dict[str, Any], known: dict[str, str]) -> list[dict[str, Any]]:
    found = []
    elastic = {
        one["InstanceId"]: one["PublicIp"]
        for one in at["ec2"].describe_addresses()["Addresses"]
        if one.get("InstanceId")
    }
    for reservation in at["ec2"].describe_instances()["Reservations"]:
        for one in reservation["Instances"]:
            id = one["InstanceId"]
            if id not in known:
                data = at["ec2"].describe_instance_attribute(InstanceId=id, Attribute="userData")
                known[id] = base64.b64decode(data["UserData"].get("Value", "")).decode()
            tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
            public = elastic.get(id) or one.get("PublicIpAddress")
            found.append(
                {
                    "id": id,
                    "state": one["State"]["Name"],
                    "ip": one.get("PrivateIpAddress"),
                    "public": public,
                    "slot": tags.get("mad:slot"),
                    "user_data": known[id],
                }
            )
    return found


def secret(at: dict[str, Any], name: str) -> str | None:
    try:
        path = f"/mad/{name.removeprefix('mad-')}/redis-auth"
        answer = at["ssm"].get_parameter(Name=path, WithDecryption=True)
        return str(answer["Parameter"]["Value"])
    except ClientError:
        return None


def look(at: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    keys = {
        one["KeyName"]: one.get("PublicKey", "")
        for one in at["ec2"].describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    }
    groups = at["elasticache"].describe_replication_groups()["ReplicationGroups"]
    caches = []
    for group in groups:
        nodes = group.get("NodeGroups") or [{}]
        endpoint = nodes[0].get("PrimaryEndpoint") or {}
        if endpoint.get("Address"):
            name = group["ReplicationGroupId"]
            caches.append({"name": name, "host": endpoint["Address"], "token": secret(at, name)})
    balancers = [
        {
            "host": one["DNSName"],
            "instances": [each["InstanceId"] for each in one.get("Instances", [])],
        }
        for one in at["elb"].describe_load_balancers()["LoadBalancerDescriptions"]
    ]
    seen = instances(at, known)
    return {"instances": seen, "caches": caches, "balancers": balancers, "keys": keys}


def main() -> None:
    at, known = clients(sys.argv[1]), dict[str, str]()
    while True:
        try:
            print(json.dumps(look(at, known)), flush=True)
        except (ClientError, BotoCoreError) as error:
            print(json.dumps({"error": str(error)}), flush=True)
        except BrokenPipeError:
            return
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
