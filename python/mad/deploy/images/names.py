"""What images of ours are called."""

from __future__ import annotations

from collections.abc import Mapping

from mad.deploy.stack.references import Reference
from mad.deploy.stack.settings import Role

IMAGES: Mapping[Role, str] = {
    Role.API: "mad-api",
    Role.API_LB: "mad-api-lb",
    Role.CLIENT: "mad-client",
    Role.WEB: "mad-web",
}
PLATFORMS: Mapping[str, str] = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
"""By the architecture of a release."""


def image(role: Role, tag: str, registry: str | None = None) -> Reference:
    """That of ours."""
    return Reference(f"{registry}/{IMAGES[role]}" if registry else IMAGES[role], tag)
