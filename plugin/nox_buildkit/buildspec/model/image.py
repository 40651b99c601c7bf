"""The keys of an image."""

from __future__ import annotations

from pydantic import Field

from nox_buildkit.buildspec.model import grammar
from nox_buildkit.buildspec.model.cache import Cache, CacheOrType
from nox_buildkit.buildspec.model.field_types import Filled, Platform, Several, Unique
from nox_buildkit.buildspec.model.publishing_types import Repository, Scheme, Size, Tag
from nox_buildkit.buildspec.model.signing import Attestations, Signing
from nox_buildkit.buildspec.model.smoke_test import Test
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.oci.content import Compression

#: Of an image that states none; its first one as far as a version is known.
DEFAULT_TAGS = ("{version}", "latest")


class Image(Variant):
    """One image, for all of its platforms. Every key may be left out."""

    max_size: Size | None = Field(
        default=None,
        description="Compressed size that no platform's image may exceed when it is released.",
        examples=["200MB"],
    )
    compression: Compression = Field(
        default="gzip",
        description="What layers are compressed with: `gzip`, or `zstd`, which is smaller and "
        "faster to unpack, and which Docker reads since version 23.",
        examples=["zstd"],
    )
    cuda: bool = Field(
        default=False,
        description="Whether packages of NVIDIA's CUDA are wanted; a release refuses them "
        "otherwise.",
        examples=[True],
    )
    test: Several[Test] = Field(
        default=(),
        description="Checks of a started container, on every platform, before a release moves a "
        "tag.",
        examples=[[{"http": "/health", "port": 8000}, {"imports": ["app"]}]],
    )
    cache: CacheOrType | None = Field(
        default=None,
        description="Layer cache that other machines read, and that builds in CI write.",
        examples=["registry", {"type": "local", "path": ".buildcache"}],
    )
    attest: Attestations = Field(
        default=Attestations(),
        description="Statements that a release stores beside the image.",
        examples=[{"provenance": "none"}],
    )
    sign: Signing | None = Field(
        default=None,
        description="Who signs a release. When left out, nobody does.",
        examples=[{"key": "cosign.key", "public-key": "cosign.pub"}],
    )
    platforms: Filled[Platform] = Field(
        default=grammar.DEFAULT_PLATFORMS,
        description="Platforms to build for.",
        examples=[["linux/amd64"]],
    )
    per_platform: dict[Platform, Variant] = Field(
        default={},
        description="Keys that are different on a platform: the keys of this table above "
        "`max-size`. `env`, `args` and `labels` are merged name by name, lists are replaced.",
        examples=[{"linux/arm/v7": {"requirements": "small"}}],
    )
    tags: Filled[Tag] | None = Field(
        default=None,
        description="Tags, with parts of the version and of the commit filled in. When left out: "
        "`{version}` and `latest`. The guide to releases tells which of them move when.",
        examples=[["{version}", "{major}.{minor}", "{major}", "latest"]],
    )
    immutable_tags: Unique[Tag] = Field(
        default=(),
        description="Those of `tags`, written the same, that a release never gives another "
        "content.",
        examples=[["{version}"]],
    )
    version_scheme: Scheme = Field(
        default="pep440",
        description="Rules for versions: `pep440`, or `semver` (Semantic Versioning 2.0.0).",
        examples=["semver"],
    )
    repositories: Filled[Repository] | None = Field(
        default=None,
        description="Names to publish under, with their registries; `{image}` stands for the "
        "image's name. When left out: `registry`, and the image's name.",
        examples=[["ghcr.io/octocat/{image}", "docker.io/octocat/{image}"]],
    )

    @property
    def layer_cache(self) -> Cache | None:
        """The layer cache, in whichever form it was written."""
        return (
            Cache.model_validate({"type": self.cache})
            if isinstance(self.cache, str)
            else self.cache
        )
