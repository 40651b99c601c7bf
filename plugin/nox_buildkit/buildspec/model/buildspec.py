"""The model of a buildspec, from which reader, JSON Schema and reference page derive."""

from __future__ import annotations

from pydantic import Field, PrivateAttr

from nox_buildkit.buildspec.model.builder import BuilderOrName
from nox_buildkit.buildspec.model.field_types import (
    Filled,
    FormatVersion,
    ImageName,
    OneOrMore,
    Platform,
    SetName,
)
from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.buildspec.model.publishing_types import Prefix, Registry, RunnerLabel
from nox_buildkit.buildspec.model.requirement_set import Requirements
from nox_buildkit.buildspec.model.strict import Strict
from nox_buildkit.buildspec.tree import Node
from nox_buildkit.errors import Location


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
    builder: BuilderOrName | None = Field(
        default=None,
        description="buildx builder to build with, where neither `--builder` nor BUILDX_BUILDER "
        "names one: a name, or a description to create it by.",
        examples=["farm", {"name": "farm", "driver": "remote", "nodes": [{"endpoint": "tcp://b"}]}],
    )
    runners: dict[Platform, OneOrMore[RunnerLabel]] = Field(
        default={},
        description="Labels of the CI runners that build a platform, for `nox -s matrix`. When "
        "left out: GitHub's own.",
        examples=[{"linux/arm64": "ubuntu-24.04-arm"}, {"linux/arm64": ["self-hosted", "arm64"]}],
    )
    mirrors: dict[Prefix, Registry] = Field(
        default={},
        description="What stands in for a registry, or for a part of it, when bases are pulled.",
        examples=[{"docker.io": "mirror.example.com/dockerhub"}],
    )
    defaults: Image = Field(
        default_factory=Image,
        description="Keys for all images. An image's own key wins; `env`, `args` and `labels` are "
        "merged name by name, lists are replaced.",
        examples=[{"python": "3.13"}],
    )
    requirements: dict[SetName, Requirements] = Field(
        default={},
        description="Named sets of requirements.",
        examples=[{"api": {"source": "pyproject.toml"}}],
    )
    # The reader applies the defaults: each image here is complete.
    images: dict[ImageName, Image] = Field(
        min_length=1,
        description="The images by name, which is also the last part of the repository.",
        examples=[{"hello": {"command": ["python", "-m", "hello"]}}],
    )
    groups: dict[ImageName, Filled[ImageName]] = Field(
        default={},
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

    def repositories_of(self, image: str) -> tuple[str, ...]:
        """Return the repositories of an image: its own ones, else one in the registry."""
        stated = self.images[image].repositories
        own = (f"{self.registry}/{image}",) if self.registry else ()
        return tuple(each.replace("{image}", image) for each in stated or ()) or own

    def location(self, *path: str | int) -> Location | None:
        """Return the place of a value by its YAML keys: ``location("images", "hello", "base")``.

        The nearest ancestor if the spec does not have the key, the place in ``defaults`` if it was
        inherited, None if the spec was not read from text.
        """
        return self._tree.locate(path) if self._tree else None

    def with_tree(self, tree: Node) -> BuildSpec:
        """The same spec, which knows where everything in it was written."""
        spec = self.model_copy()
        spec._tree = tree
        return spec
