"""The keys of a layer cache that other machines read."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from nox_buildkit.buildspec.model import grammar
from nox_buildkit.buildspec.model.field_types import InnerPath, Schema, Text
from nox_buildkit.buildspec.model.publishing_types import Repository
from nox_buildkit.buildspec.model.runtime import AS_MAPPING, AS_TEXT, form
from nox_buildkit.buildspec.model.strict import Strict
from nox_buildkit.buildspec.text import Invalid, nearest, shown

#: Types that need no further key.
_SHORT = ("registry", "local", "gha")
_FOLDER = ".buildcache"
_CREDENTIAL = re.compile(r"(?:secret|token|password|access_?key|gh_?token)", re.IGNORECASE)


def _short(value: str) -> str:
    """Return a type of cache that needs no further key."""
    if value not in _SHORT:
        hint = nearest(value, _SHORT) or "write one of them, or a mapping with 'type'"
        raise Invalid(f"{shown(value)} is not a cache by itself ({', '.join(_SHORT)})", hint)
    return value


def _folder(value: str) -> str:
    """Return a folder that is not that of the project."""
    if grammar.inner_path(value) == ".":
        raise Invalid("'.' is the folder of the project", f"write it like '{_FOLDER}'")
    return value


def _endpoint(value: str) -> str:
    """Return an address without credentials."""
    if not re.fullmatch(r"https?://[^\s@?#]+", value):
        raise Invalid("not an address without credentials", "write https://host[:port]")
    return value


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
        description="Repository of a `registry`, which images may share; `{image}` stands for the "
        "image's name. When left out: that of the image.",
        examples=["ghcr.io/octocat/cache"],
    )
    path: Annotated[InnerPath, AfterValidator(_folder)] | None = Field(
        default=None,
        description="Folder of a `local` cache, relative to the spec; when left out, "
        f"`{_FOLDER}`. What is in it is in no image.",
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
    endpoint: Annotated[Text, AfterValidator(_endpoint)] | None = Field(
        default=None,
        description="Address of a service that speaks S3.",
        examples=["https://s3.example.com"],
    )

    @model_validator(mode="before")
    @classmethod
    def _has_no_credentials(cls, value: object) -> object:
        for key in value if isinstance(value, dict) else ():
            if _CREDENTIAL.search(str(key).replace("-", "_")):
                hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
                raise Invalid("credentials do not belong in a file", hint, at=(key,))
        return value

    @model_validator(mode="after")
    def _fits_its_type(self) -> Cache:
        for key in ("ref", "path", "bucket", "region", "prefix", "endpoint"):
            if getattr(self, key) is not None and key not in _OWN[self.type]:
                raise Invalid(f"'{key}' is not for a cache of type {self.type}", at=(key,))
        needed = {"s3": ("bucket", "region")}.get(self.type, ())
        for key in needed:
            if getattr(self, key) is None:
                raise Invalid(f"a cache of type {self.type} needs '{key}'", "add it")
        return self

    @property
    def folder(self) -> str:
        """The folder of a ``local`` cache, relative to the spec; empty for others."""
        return (self.path or _FOLDER) if self.type == "local" else ""


CacheOrType: TypeAlias = Annotated[
    Annotated[Annotated[str, AfterValidator(_short), Schema({"enum": list(_SHORT)})], Tag(AS_TEXT)]
    | Annotated[Cache, Tag(AS_MAPPING)],
    Discriminator(form),
]
