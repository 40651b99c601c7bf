"""The keys of a layer cache that other machines read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nox_buildkit.buildspec.model.field_types import InnerPath, Text
from nox_buildkit.buildspec.model.publishing_types import Repository
from nox_buildkit.buildspec.model.strict import Strict
from nox_buildkit.buildspec.text import Invalid

_OWN = {
    "registry": ("ref",),
    "local": ("path",),
    "gha": (),
    "s3": ("bucket", "region", "prefix", "endpoint"),
}


class Cache(Strict):
    """A place for BuildKit's layer cache. Credentials are those of the environment."""

    type: Literal["registry", "local", "gha", "s3"] = Field(
        description="Kind of place: a registry, a folder, GitHub's cache, or a bucket of S3.",
        examples=["registry"],
    )
    mode: Literal["min", "max"] = Field(
        default="max",
        description="Layers that are kept: those of the image, or of every step.",
        examples=["min"],
    )
    ref: Repository | None = Field(
        default=None,
        description="Repository of a `registry`; when left out, that of the image.",
        examples=["ghcr.io/octocat/cache"],
    )
    path: InnerPath | None = Field(
        default=None,
        description="Folder of a `local` cache, relative to the spec.",
        examples=[".buildcache"],
    )
    bucket: Text | None = Field(
        default=None,
        description="Bucket of `s3`.",
        examples=["octocat-cache"],
    )
    region: Text | None = Field(
        default=None,
        description="Region of the bucket.",
        examples=["eu-central-1"],
    )
    prefix: Text | None = Field(
        default=None,
        description="Prefix of the names in the bucket.",
        examples=["buildkit/"],
    )
    endpoint: Text | None = Field(
        default=None,
        description="Address of a service that speaks S3.",
        examples=["https://s3.example.com"],
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> Cache:
        for key in ("ref", "path", "bucket", "region", "prefix", "endpoint"):
            if getattr(self, key) is not None and key not in _OWN[self.type]:
                raise Invalid(f"'{key}' is not for a cache of type {self.type}", at=(key,))
        needed = {"local": ("path",), "s3": ("bucket", "region")}.get(self.type, ())
        for key in needed:
            if getattr(self, key) is None:
                raise Invalid(f"a cache of type {self.type} needs '{key}'", "add it")
        return self
