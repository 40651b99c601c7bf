"""What a buildspec says. The reader, the JSON Schema and the reference page all derive from here.

Keys in YAML are kebab-case; a trailing underscore of a Python name is not part of the key.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from nox_buildkit.errors import Location
from nox_buildkit.spec import grammar
from nox_buildkit.spec.text import Invalid
from nox_buildkit.spec.tree import Node
from nox_buildkit.spec.values import (
    Base,
    CopiedPath,
    EnvName,
    ExecForm,
    Filled,
    FormatVersion,
    IndexUrl,
    InnerPath,
    LabelName,
    Name,
    Path,
    Platform,
    Port,
    ProjectName,
    PythonVersion,
    Registry,
    SetName,
    Source,
    Tag,
    Text,
    Unique,
    User,
    Workdir,
)


def key_of(name: str) -> str:
    """The YAML key of a field."""
    return name.rstrip("_").replace("_", "-")


class _Strict(BaseModel):
    # validate_by_name is for Python callers; the reader switches it off.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=key_of,
        validate_by_name=True,
    )


class Requirements(_Strict):
    """A named set of requirements, which images share."""

    source: Source = Field(
        description="File that states the requirements, relative to the spec: pyproject.toml, a "
        "requirements.in or requirements.txt with ranges, or a finished lock with hashes.",
        examples=["pyproject.toml"],
    )
    extras: Unique[ProjectName] = Field(
        default=(),
        description="Extras of the project to include. Needs a pyproject.toml.",
        examples=[["postgres"]],
    )
    groups: Unique[ProjectName] = Field(
        default=(),
        description="Dependency groups to include. Needs a pyproject.toml.",
        examples=[["prod"]],
    )
    constraints: Unique[Path] = Field(
        default=(),
        description="Constraints files, relative to the spec.",
        examples=[["constraints.txt"]],
    )
    index: IndexUrl | None = Field(
        default=None,
        description="Package index to use instead of uv's default. Credentials never stand "
        "here: they come from UV_INDEX_<NAME>_* variables, by the name of the set.",
        examples=["https://packages.example.com/simple"],
    )
    output: InnerPath | None = Field(
        default=None,
        description="Where the lock is committed, relative to the spec. By default it is named "
        "after the set.",
        examples=["requirements/api.txt"],
    )

    @model_validator(mode="after")
    def _extras_need_a_project(self) -> Requirements:
        for key, values in (("extras", self.extras), ("groups", self.groups)):
            if values and not self.source.endswith("pyproject.toml"):
                message = f"only a pyproject.toml has {key}, and the source is another file"
                raise Invalid(message, "remove them, or change the source", at=(key,))
        return self


class Image(_Strict):
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
        description="Base image: `slim` (the official slim Python image), `debian` (assembled "
        "from Debian's packages, no container registry needed), or any image reference.",
        examples=["slim", "debian", "python:3.13-slim-trixie"],
    )
    python: PythonVersion = Field(
        default="3.13",
        description="Python version, major and minor, in quotes.",
        examples=["3.13"],
    )
    platforms: Filled[Platform] = Field(
        default=grammar.PLATFORMS,
        description="Platforms to build for.",
        examples=[["linux/amd64"]],
    )
    copy_: Unique[CopiedPath] = Field(
        default=(".",),
        description="Files and folders of the context to put into the working folder, at the "
        "same relative paths. What .gitignore or .dockerignore exclude stays out.",
        examples=[["app", "main.py"]],
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


class BuildSpec(_Strict):
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
