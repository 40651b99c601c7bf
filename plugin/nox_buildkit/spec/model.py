"""What a buildspec says: the reader, the JSON Schema and the reference page derive from here."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, PrivateAttr, model_validator

from nox_buildkit.errors import Location
from nox_buildkit.spec.image import Image
from nox_buildkit.spec.strict import Strict
from nox_buildkit.spec.text import Invalid
from nox_buildkit.spec.tree import Node
from nox_buildkit.spec.values import (
    Filled,
    FormatVersion,
    IndexUrl,
    InnerPath,
    Name,
    Path,
    Prefix,
    ProjectName,
    Registry,
    SetName,
    Source,
    Unique,
)

#: Sources that each of these keys has a meaning for.
_ONLY_IN = {
    "extras": ("pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock"),
    "groups": ("pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"),
    "package": ("uv.lock",),
}


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


class Requirements(Strict):
    """A named set of requirements, which images share."""

    source: Source = Field(
        description="File that states the requirements, relative to the spec: pyproject.toml, a "
        "requirements.in or requirements.txt with ranges, a finished lock with hashes, or the lock "
        "of another tool: uv.lock, poetry.lock, pdm.lock, Pipfile.lock.",
        examples=["pyproject.toml"],
    )
    package: ProjectName | None = Field(
        default=None,
        description="Member of a workspace whose requirements are meant. Needs a uv.lock.",
        examples=["api"],
    )
    extras: Unique[ProjectName] = Field(
        default=(),
        description="Extras of the project to include. Needs a pyproject.toml, or a lock that "
        "was made of one.",
        examples=[["postgres"]],
    )
    groups: Unique[ProjectName] = Field(
        default=(),
        description="Dependency groups to include. Needs a pyproject.toml, or a lock that was "
        "made of one; of a Pipfile, its categories.",
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
    extra_indexes: dict[Name, IndexUrl] = Field(
        default_factory=dict,
        description="Package indexes to look into first, by name: the first that has a package "
        "is the one it comes from. Credentials come from UV_INDEX_<NAME>_* variables.",
        examples=[{"company": "https://packages.example.com/simple"}],
    )
    output: InnerPath | None = Field(
        default=None,
        description="Where the lock is committed, relative to the spec. By default it is named "
        "after the set.",
        examples=["requirements/api.txt"],
    )

    @model_validator(mode="after")
    def _source_has_them(self) -> Requirements:
        name = self.source.rpartition("/")[2]
        for key, sources in _ONLY_IN.items():
            if getattr(self, key) and name not in sources:
                message = f"only {_listed(sources)} has {key}, and the source is another file"
                raise Invalid(message, "remove the key, or change the source", at=(key,))
        return self


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
    groups: dict[Name, Filled[Name]] = Field(
        default_factory=dict,
        description="Images that commands take together, by the name of the group.",
        examples=[{"backend": ["api", "worker"]}],
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
