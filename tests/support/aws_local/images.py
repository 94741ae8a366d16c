"""The public parameters and images of the systems, and the quota of vCPUs."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami, AmiBackend
from moto.servicequotas.models import ServiceQuotasBackend
from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from aws_local.world import replace, world

_UBUNTU = "/aws/service/canonical/ubuntu/server/{}/stable/current/{}/hvm/ebs-{}/ami-id"
_AMAZON = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{}"


def _table() -> dict[str, tuple[str, str, str]]:
    """By parameter: the image's name, its architecture, its root device."""
    found = {}
    for arch, other in (("amd64", "x86_64"), ("arm64", "arm64")):
        for series, code, disk in (("24.04", "noble", "gp3"), ("22.04", "jammy", "gp2")):
            found[_UBUNTU.format(series, arch, disk)] = (
                f"ubuntu/images/hvm-ssd-{disk}/ubuntu-{code}-{series}-{arch}-server-20260901",
                other,
                "/dev/sda1",
            )
        for release in ("12", "13"):
            found[f"/aws/service/debian/release/{release}/latest/{arch}"] = (
                f"debian-{release}-{arch}-20260901-2200",
                other,
                "/dev/xvda",
            )
        found[_AMAZON.format(other)] = (
            f"al2023-ami-2023.9.20260901.0-kernel-6.1-{other}",
            other,
            "/dev/xvda",
        )
    return found


TABLE = _table()
OWNERS = {"ubuntu": "099720109477", "debian": "136693071363", "al": "137112412989"}
MADE = datetime(2026, 9, 1, tzinfo=UTC)


def _id(region: str, name: str, release: int) -> str:
    return "ami-" + hashlib.sha256(f"{region}|{name}|{release}".encode()).hexdigest()[:17]


def publish() -> None:
    """Newer images of all systems; the earlier ones stay."""
    world.release += 1
    for regions in ec2_backends.values():
        for backend in regions.values():
            _add(backend)


def _add(backend: Any) -> None:
    for name, arch, device in TABLE.values():
        id = _id(backend.region_name, name, world.release)
        backend.amis[id] = Ami(
            backend,
            id,
            name=name if world.release == 1 else f"{name}.{world.release}",
            architecture=arch,
            root_device_name=device,
            root_device_type="ebs",
            owner_id=next(owner for start, owner in OWNERS.items() if name.startswith(start)),
            owner_alias="amazon" if name.startswith("al") else None,
            public=True,
            virtualization_type="hvm",
        )


def apply() -> None:
    @replace(AmiBackend, "_load_amis")
    def load(old: Any, self: Any) -> None:
        old(self)
        _add(self)

    make: Any = Parameter

    @replace(SimpleSystemManagerBackend, "get_parameter")
    def parameter(old: Any, self: Any, name: str) -> Any:
        return self.get_parameters([name])[name] if name in TABLE else old(self, name)

    @replace(SimpleSystemManagerBackend, "get_parameters")
    def parameters(old: Any, self: Any, names: list[str]) -> Any:
        found = old(self, [name for name in names if name not in TABLE])
        for name in names:
            if name in TABLE:
                # Makes sure that the region's images are loaded.
                assert ec2_backends[self.account_id][self.region_name].amis
                found[name] = make(
                    account_id=self.account_id,
                    name=name,
                    value=_id(self.region_name, TABLE[name][0], world.release),
                    parameter_type="String",
                    description=None,
                    allowed_pattern=None,
                    keyid=None,
                    last_modified_date=MADE,
                    version=1,
                    data_type="aws:ec2:image",
                )
        return found

    @replace(ServiceQuotasBackend, "get_service_quota")
    def quota(old: Any, self: Any, service_code: str, quota_code: str) -> Any:
        if (service_code, quota_code) == ("ec2", "L-1216C47A"):
            return {
                "ServiceCode": "ec2",
                "QuotaCode": quota_code,
                "QuotaName": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
                "Value": world.vcpus,
            }
        return old(self, service_code, quota_code)
