"""The keys of an image that may differ from platform to platform."""

from __future__ import annotations

from pydantic import Field

from nox_buildkit.buildspec.model import grammar
from nox_buildkit.buildspec.model.building_types import ArgumentName
from nox_buildkit.buildspec.model.field_types import (
    Base,
    CopiedPath,
    DebianPackage,
    EnvName,
    ExecForm,
    LabelName,
    Name,
    PackageName,
    Path,
    Port,
    Program,
    PythonVersion,
    Several,
    StopSignal,
    SystemPath,
    Text,
    Unique,
    Workdir,
)
from nox_buildkit.buildspec.model.runtime import File, Healthcheck, Step, UserOrAccount
from nox_buildkit.buildspec.model.strict import Strict


class Variant(Strict):
    """An image on some of its platforms. Every key may be left out."""

    context: Path = Field(
        default=".",
        description="Folder with the sources, relative to the spec (the build context).",
        examples=["services/api"],
    )
    requirements: Name | None = Field(
        default=None,
        description="Name of the set of requirements to install, or `none`. When left out, the "
        "context's own requirements are used.",
        examples=["api"],
    )
    base: Base = Field(
        default="slim",
        description="Base image: `slim` and `full` (the official Python images), `distroless`, "
        "`chainguard`, `dhi` (Docker Hardened Images), `debian` (assembled from Debian's packages, "
        "no container registry needed), or any image reference; `target:NAME` for another image of "
        "this spec.",
        examples=["slim", "distroless", "python:3.13-slim-trixie", "target:common"],
    )
    build_base: Base | None = Field(
        default=None,
        description="Image that build steps run in, where the base itself has no shell or no "
        "Python. What each preset takes for it stands in the guide.",
        examples=["python:3.13-slim"],
    )
    python: PythonVersion = Field(
        default="3.13",
        description="Python version, major and minor, in quotes. When left out: what "
        ".python-version says, else the newest that the project's requires-python and the base "
        "allow; 3.13 for a project that says neither.",
        examples=["3.13"],
    )
    apt: Unique[DebianPackage] = Field(
        default=(),
        description="Debian packages that the image needs to run, such as libraries. Needs a base "
        "with apt-get, or base `debian`.",
        examples=[["libpq5"]],
    )
    build_apt: Unique[DebianPackage] = Field(
        default=(),
        description="Debian packages that compiling packages without a wheel takes besides the "
        "compiler. They are not in the image.",
        examples=[["libpq-dev"]],
    )
    emulate: Unique[PackageName] = Field(
        default=(),
        description="Packages that are compiled under emulation, where they could be "
        "cross-compiled.",
        examples=[["uwsgi"]],
    )
    package: bool = Field(
        default=False,
        description="Install the context's own project, as a wheel that is built of it.",
        examples=[True],
    )
    copy_: Unique[CopiedPath] | None = Field(
        default=None,
        description="Files and folders of the context to put into the working folder, at the "
        "same relative paths. What .gitignore or .dockerignore exclude below them stays out. When "
        "left out: all of the context, or nothing for a `package`.",
        examples=[["app", "main.py"]],
    )
    steps: Several[Step] = Field(
        default=(),
        description="Programs that make files for the image, such as Django's collectstatic.",
        examples=[
            [
                {
                    "run": ["python", "manage.py", "collectstatic", "--noinput"],
                    "output": ["static"],
                }
            ]
        ],
    )
    steps_apt: Unique[DebianPackage] = Field(
        default=(),
        description="Debian packages that `steps` need, and the image does not. Needs `steps`.",
        examples=[["gettext"]],
    )
    entrypoint: ExecForm | None = Field(
        default=None,
        description="Program that always starts, in exec form; `[]` takes the base's own away. "
        "Values of the environment as in `command`.",
        examples=[["python", "-m"]],
    )
    command: ExecForm | None = Field(
        default=None,
        description="Program with its arguments, or arguments for the entrypoint, in exec form; "
        "`[]` takes the base's own away. `${NAME}` and `${NAME:-default}` are replaced by values "
        "of the environment when a container starts, without a shell; `$$` stands for `$` then.",
        examples=[
            ["fastapi", "run", "main.py", "--port", "8000"],
            ["gunicorn", "--bind", "0.0.0.0:${PORT:-8000}", "app:app"],
        ],
    )
    prestart: Several[Program] = Field(
        default=(),
        description="Programs to run to their end before the command, in the same container and in "
        "exec form; the first that fails ends it. Needs a `command`. Values of the environment as "
        "in `command`.",
        examples=[[["python", "manage.py", "migrate"]]],
    )
    env: dict[EnvName, Text] = Field(
        default={},
        description="Environment variables. No secrets: everyone who has the image can read them.",
        examples=[{"LOG_LEVEL": "info"}],
    )
    args: dict[ArgumentName, Text] = Field(
        default={},
        description="Build arguments: variables of what runs during the build (`steps`, compiling "
        "packages, building own ones), and of no container. No secrets: the plan and the "
        "Dockerfile show them.",
        examples=[{"VITE_API": "/api", "CFLAGS": "-O3"}],
    )
    user: UserOrAccount = Field(
        default="10001",
        description="User that the image runs as: uid, uid:gid, name, or an account that is made, "
        "which can get other IDs when a container starts (PUID, PGID).",
        examples=["10001", "10001:10001", {"name": "app", "uid": 999}],
    )
    workdir: Workdir = Field(
        default="/app",
        description="Working folder, which also holds the sources: an absolute path, and not the "
        "root, a folder of the system (`/bin`, `/dev`, `/etc`, `/lib`, `/proc`, `/run`, `/sbin`, "
        "`/sys`, `/tmp`, `/usr`, `/var/run`, `/var/lock`) or `/opt/venv`, nor below one of these. "
        "An image on another one has that of the other.",
        examples=["/srv/api"],
    )
    writable_workdir: bool = Field(
        default=False,
        description="The working folder, and all that the build puts into it, belong to the user. "
        "Else they belong to root, and an application that was taken over cannot change itself.",
        examples=[True],
    )
    directories: Unique[SystemPath] = Field(
        default=(),
        description="Folders that the user owns and can write to.",
        examples=[["/var/log/app"]],
    )
    volumes: Unique[SystemPath] = Field(
        default=(),
        description="Folders that hold what outlives a container; the user owns them, too.",
        examples=[["/app/media"]],
    )
    files: Several[File] = Field(
        default=(),
        description="Files and folders at places of their own, such as configuration.",
        examples=[[{"source": "uwsgi.ini", "target": "/etc/uwsgi.ini", "mode": "0440"}]],
    )
    healthcheck: Healthcheck | None = Field(
        default=None,
        description="How to find out that a container works.",
        examples=[{"test": ["python", "-m", "app.health"], "interval": "30s"}],
    )
    stop_signal: StopSignal | None = Field(
        default=None,
        description="Signal that asks the process to end, where SIGTERM does not.",
        examples=["SIGINT"],
    )
    expose: Unique[Port] = Field(
        default=(),
        description="Ports that the container listens on: 8000, or 53/udp.",
        examples=[[8000, "53/udp"]],
    )
    labels: dict[LabelName, Text] = Field(
        default={},
        description="Labels besides the OCI ones that are always set.",
        examples=[{"org.opencontainers.image.title": "Hello"}],
    )

    @property
    def taken(self) -> dict[int, str]:
        """Return the images of the same spec that files are taken from, by the entry's position."""
        named = {n: grammar.parent_image(file.from_ or "") for n, file in enumerate(self.files)}
        return {position: name for position, name in named.items() if name}

    @property
    def copied(self) -> tuple[str, ...]:
        """Return the paths of the context that are copied."""
        if self.copy_ is None:
            return () if self.package else (".",)
        return self.copy_
