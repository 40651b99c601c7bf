"""The parts of a plan: packages, bases, files, and how a container is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PackageKind = Literal["pure", "native"]

#: Names of what is never part of an application, whatever ignore files say (gitignore patterns).
NEVER = (
    ".git", ".gitignore", ".gitattributes", ".gitmodules", ".dockerignore", ".hg", ".svn",
    ".venv", ".nox", ".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
    "__pycache__", "*.pyc", "*.pyo", ".DS_Store", ".env", ".netrc",
)  # fmt: skip

LayerKind = Literal["base", "pure", "native", "app"]


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel that is installed: the file that one platform, or (``pure``) every platform, gets.

    ``path``: where it lies on this machine, or ``url``: its address, if no index has it;
    ``compiled``: ``filename`` is an sdist, and the build makes the wheel.
    """

    name: str
    version: str
    kind: PackageKind
    filename: str
    sha256: str
    size: int | None = None
    path: str | None = None
    url: str | None = None
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """An image to build on or in, pinned by digest. ``interpreter``: path of its Python.

    ``origin``: equal for images whose programs come from the same hands, so that what one leaves in
    a cache may be read by another.
    """

    name: str
    digest: str
    context: str
    interpreter: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """A Debian package of a base that is assembled here, in one version on ``platforms``.

    ``asked``: what the spec names it, which may be a virtual package; "" if it does not.
    """

    name: str
    version: str
    platforms: tuple[str, ...]
    asked: str = ""


@dataclass(frozen=True, slots=True)
class PlatformPlan:
    """What differs between platforms. ``wheel_platform``: uv's ``--python-platform``.

    ``installed``: what the base has already, where that is another image of the plan.
    """

    platform: str
    wheel_platform: str
    packages: tuple[Package, ...]
    installed: tuple[Package, ...] = ()


@dataclass(frozen=True, slots=True)
class StepPackages:
    """What the machines of ``platform`` that build need to run steps, besides what is shared."""

    platform: str
    packages: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A source file; ``digest`` covers content and mode."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Application:
    """The application layer: ``files`` of ``folder``, less what is ``ignored``."""

    folder: str
    files: tuple[File, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file at a place of its own: ``owner`` is user[:group], ``mode`` octal digits.

    ``path``: where its content lies on this machine.
    """

    target: str
    mode: str
    owner: str
    size: int
    digest: str
    path: str


@dataclass(frozen=True, slots=True)
class Step:
    """A program that makes ``output``, paths below the working folder; ``cache``: kept folders."""

    run: tuple[str, ...]
    output: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    cache: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """Docker's health check (its extension of the image configuration); times as ``1m30s``."""

    test: tuple[str, ...]
    interval: str | None
    timeout: str | None
    start_period: str | None
    start_interval: str | None
    retries: int | None


@dataclass(frozen=True, slots=True)
class Start:
    """What a container starts, be it inherited; None: what the base starts is not known."""

    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """Process configuration (OCI image specification, config.md)."""

    workdir: str
    user: str
    env: tuple[tuple[str, str], ...]
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    expose: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    volumes: tuple[str, ...] = ()
    stop_signal: str | None = None
    healthcheck: Healthcheck | None = None


def with_group(user: str) -> str:
    """``user``, its group named: without one, a number that the base does not know has group 0."""
    return f"{user}:{user}" if user.isdigit() else user
