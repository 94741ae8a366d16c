"""Builds images `FROM scratch` of the programs of a release, and pushes them."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mad import _paths
from mad.deploy.images.engine import LONG_S, Engine, ImageError, Login
from mad.deploy.images.names import IMAGES, PLATFORMS, image
from mad.deploy.release.build import Release
from mad.deploy.stack.references import is_tag, registry_of
from mad.deploy.stack.settings import Role

HOME = "opt/mad"
"""`bin`, `console` and `manifest.json` are beside each other there, as in a release."""
USER = "mad:x:65532:65532:mad:/:/sbin/nologin\n"
GROUP = "mad:x:65532:\n"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


@dataclass(frozen=True, slots=True)
class Image:
    """One that was built or pushed."""

    role: Role
    name: str
    """`registry.example.org/team/mad-api:1.2.0`"""
    id: str
    """`sha256:…`: of its configuration when it was built, of its manifest when it was pushed."""


Tell = Callable[[Image], None]


def check_tag(tag: str) -> None:
    """Raises ImageError."""
    if not is_tag(tag):
        raise ImageError(
            f"{tag!r} cannot be a tag", "write letters, digits, dots, hyphens, at most 128"
        )


def build(
    engine: Engine,
    release: Release,
    roles: Iterable[Role],
    *,
    tags: Iterable[str],
    registry: str | None = None,
    platform: str | None = None,
    tell: Tell = lambda _image: None,
) -> list[Image]:
    """An image of each role with all tags. `platform`: as in `linux/arm64`; it must be that of the
    release's programs. Raises ImageError."""
    wanted = list(tags)
    for tag in wanted:
        check_tag(tag)
    own = PLATFORMS[release.manifest.arch]
    if platform not in (None, own):
        raise ImageError(
            f"the programs are for {own}, not for {platform}",
            f"give --binaries DIR with programs for {platform}",
        )
    done = []
    for role in roles:
        names = [str(image(role, tag, registry)) for tag in wanted]
        with tempfile.TemporaryDirectory(prefix="mad-image-") as folder:
            lay(release, role, Path(folder))
            words = ["build", "--quiet", "--build-arg", f"VERSION={release.version}"]
            if platform is not None:
                words += ["--platform", platform]
            for name in names:
                words += ["--tag", name]
            said = engine.run([*words, folder], limit_s=LONG_S)
        id = said.split()[-1] if said.split() else ""
        done.append(Image(role, names[0], id))
        tell(done[-1])
    return done


def lay(release: Release, role: Role, folder: Path) -> None:
    """The context of a build: the Dockerfile, and `root` as it will be in the image."""
    shutil.copy(dockerfile(role), folder / "Dockerfile")
    root = folder / "root"
    for file in release.manifest.of(role):
        target = root / HOME / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(release.sources[file.path], target)
        target.chmod(file.mode)
    (root / HOME / "manifest.json").write_text(release.manifest.text)
    bundle = root / BUNDLE
    bundle.parent.mkdir(parents=True)
    shutil.copyfile(certificates(), bundle)
    (root / "etc" / "passwd").write_text(USER)
    (root / "etc" / "group").write_text(GROUP)
    for path in [root, *root.rglob("*")]:
        # What is private here would be so in the image, for a user that is nobody's here.
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def dockerfile(role: Role) -> Path:
    return _paths.infra() / "containers" / IMAGES[role] / "Dockerfile"


def certificates() -> Path:
    """Of the public authorities, as this machine knows them; else those that boto3 brings."""
    named = ssl.get_default_verify_paths().cafile
    for path in filter(None, (named, *SYSTEM_BUNDLES)):
        if Path(path).is_file():
            return Path(path)
    import botocore

    return Path(botocore.__file__).parent / "cacert.pem"


def push(
    engine: Engine,
    roles: Iterable[Role],
    *,
    tag: str,
    registry: str,
    login: Login | None = None,
    tell: Tell = lambda _image: None,
) -> list[Image]:
    """Images that were built here, to a registry. Raises ImageError."""
    check_tag(tag)
    done = []
    with engine.signed_in(registry_of(f"{registry}/x"), login) as signed:
        for role in roles:
            name = str(image(role, tag, registry))
            built = str(image(role, tag))
            if _id(engine, built):
                engine.run(["tag", built, name])
            elif not _id(engine, name):
                raise ImageError(
                    f"there is no image {built} here",
                    f"build it: `python -m mad.deploy image build --role {role} --tag {tag}`",
                )
            signed.run(["push", name], limit_s=LONG_S)
            done.append(Image(role, name, _digest(engine, name)))
            tell(done[-1])
    return done


def _id(engine: Engine, name: str) -> str:
    """Empty when there is no such image here."""
    return engine.run(["image", "ls", "--quiet", "--no-trunc", name]).strip()


def _digest(engine: Engine, name: str) -> str:
    """What the registry calls it."""
    asked = ["image", "inspect", "--format", '{{join .RepoDigests " "}}', name]
    bare = name.rpartition(":")[0]
    for one in engine.run(asked).split():
        if one.partition("@")[0] == bare:
            return one.partition("@")[2]
    return ""
