"""What a buildspec says: the reader, the JSON Schema and the reference page derive from here."""

from __future__ import annotations

from pydantic import Field, PrivateAttr, model_validator

from nox_buildkit.errors import Location
from nox_buildkit.spec import grammar
from nox_buildkit.spec.requirements import Requirements
from nox_buildkit.spec.runtime import File, Healthcheck, Step
from nox_buildkit.spec.strict import Strict
from nox_buildkit.spec.text import Invalid, shown
from nox_buildkit.spec.tree import Node
from nox_buildkit.spec.values import (
    Base,
    CopiedPath,
    DebianPackage,
    EnvName,
    ExecForm,
    Filled,
    FormatVersion,
    LabelName,
    Name,
    Path,
    Platform,
    Port,
    Prefix,
    Program,
    PythonVersion,
    Registry,
    SetName,
    Several,
    StopSignal,
    SystemPath,
    Tag,
    Text,
    Unique,
    User,
    Workdir,
)


class Image(Strict):
    """One image, for all of its platforms. Every key may be left out."""

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
        "`chainguard`, `debian` (assembled from Debian's packages, no container registry needed), "
        "or any image reference.",
        examples=["slim", "distroless", "python:3.13-slim-trixie"],
    )
    build_base: Base | None = Field(
        default=None,
        description="Image that build steps run in, where the base itself has no shell or no "
        "Python. What each preset takes for it stands in the guide.",
        examples=["python:3.13-slim"],
    )
    python: PythonVersion = Field(
        default="3.13",
        description="Python version, major and minor, in quotes.",
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
    platforms: Filled[Platform] = Field(
        default=grammar.DEFAULT_PLATFORMS,
        description="Platforms to build for.",
        examples=[["linux/amd64"]],
    )
    package: bool = Field(
        default=False,
        description="Install the context's own project, as a wheel that is built of it.",
        examples=[True],
    )
    copy_: Unique[CopiedPath] | None = Field(
        default=None,
        description="Files and folders of the context to put into the working folder, at the "
        "same relative paths. What .gitignore or .dockerignore exclude stays out. When left out: "
        "all of the context, or nothing for a `package`.",
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
    entrypoint: ExecForm | None = Field(
        default=None,
        description="Program that always starts, in exec form; `[]` takes the base's own away.",
        examples=[["python", "-m"]],
    )
    command: ExecForm | None = Field(
        default=None,
        description="Program with its arguments, or arguments for the entrypoint, in exec form; "
        "`[]` takes the base's own away.",
        examples=[["fastapi", "run", "main.py", "--port", "8000"]],
    )
    prestart: Several[Program] = Field(
        default=(),
        description="Programs to run to their end before the command, in the same container and in "
        "exec form; the first that fails ends it. Needs a `command`.",
        examples=[[["python", "manage.py", "migrate"]]],
    )
    env: dict[EnvName, Text] = Field(
        default_factory=dict,
        description="Environment variables. No secrets: everyone who has the image can read them.",
        examples=[{"LOG_LEVEL": "info"}],
    )
    user: User = Field(
        default="10001",
        description="User that the image runs as: uid, uid:gid or name.",
        examples=["10001", "10001:10001"],
    )
    workdir: Workdir = Field(
        default="/app",
        description="Working folder, which also holds the sources.",
        examples=["/srv/api"],
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
        description="Files at places of their own, such as configuration.",
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
        default_factory=dict,
        description="Labels besides the OCI ones that are always set.",
        examples=[{"org.opencontainers.image.title": "Hello"}],
    )
    tags: Filled[Tag] | None = Field(
        default=None,
        description="Tags to push; {version} and {revision} are filled in.",
        examples=[["{version}", "latest"]],
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Image:
        if self.prestart and not self.command:
            raise Invalid(
                "there is no 'command' that it could come before", "add one", at=("prestart",)
            )
        targets = [file.target for file in self.files]
        for position, target in enumerate(targets):
            if target in targets[:position]:
                at = ("files", position, "target")
                raise Invalid(f"two files have the target {shown(target)}", "remove one", at=at)
        return self

    @property
    def copied(self) -> tuple[str, ...]:
        """What of the context is copied."""
        if self.copy_ is None:
            return () if self.package else (".",)
        return self.copy_


class BuildSpec(Strict):
    """A whole buildspec: the images that a project builds."""

    version: FormatVersion = Field(
        description="Version of this format.",
        examples=[1],
    )
    registry: Registry | None = Field(
        default=None,
        description="Prefix of every image's repository: host[:port]/path.",
        examples=["ghcr.io/octocat"],
    )
    builder: Name | None = Field(
        default=None,
        description="buildx builder to build with, where neither `--builder` nor BUILDX_BUILDER "
        "names one.",
        examples=["farm"],
    )
    mirrors: dict[Prefix, Registry] = Field(
        default_factory=dict,
        description="What stands in for a registry, or for a part of it, when bases are pulled.",
        examples=[{"docker.io": "mirror.example.com/dockerhub"}],
    )
    defaults: Image = Field(
        default_factory=Image,
        description="Keys for all images. An image's own key wins; `env` and `labels` are merged "
        "name by name, lists are replaced.",
        examples=[{"python": "3.13"}],
    )
    requirements: dict[SetName, Requirements] = Field(
        default_factory=dict,
        description="Named sets of requirements.",
        examples=[{"api": {"source": "pyproject.toml"}}],
    )
    # The reader applies the defaults: each image here is complete.
    images: dict[Name, Image] = Field(
        min_length=1,
        description="The images by name, which is also the last part of the repository.",
        examples=[{"hello": {"command": ["python", "-m", "hello"]}}],
    )

    # Positions take no part in what a spec says: see __eq__.
    _tree: Node | None = PrivateAttr(default=None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BuildSpec):
            return NotImplemented
        return self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]

    def location(self, *path: str | int) -> Location | None:
        """Where a value was written, by its YAML keys: ``location("images", "hello", "base")``.

        The nearest ancestor if the spec does not have the key, the place in ``defaults`` if it was
        inherited, None if the spec was not read from text.
        """
        return self._tree.locate(path) if self._tree else None

    def with_tree(self, tree: Node) -> BuildSpec:
        """The same spec, which knows where everything in it was written."""
        spec = self.model_copy()
        spec._tree = tree
        return spec
