"""The types of what is published, as in `field_types`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator

from nox_buildkit.buildspec.model import grammar, publishing
from nox_buildkit.buildspec.model.field_types import Schema, anchored

_TEMPLATE = r"(?:[A-Za-z0-9_.-]|\{(?:" + "|".join(publishing.PLACEHOLDERS) + r")\})+"

Registry: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.registry),
    Schema({"pattern": anchored(grammar.REGISTRY)}),
]
Repository: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.repository),
    Schema({"pattern": anchored(publishing.REPOSITORY)}),
]
Size: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.size),
    Schema({"pattern": anchored(publishing.SIZE)}),
]
UrlPath: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.url_path),
    Schema({"pattern": "^/.*$"}),
]
Module: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.module),
    Schema({"pattern": anchored(publishing.MODULE)}),
]
RunnerLabel: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.runner_label),
    Schema({"pattern": anchored(publishing.RUNNER_LABEL)}),
]
Scheme: TypeAlias = Literal["pep440", "semver"]
Prefix: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.prefix),
    Schema({"pattern": anchored(grammar.REGISTRY)}),
]
Tag: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.tag),
    Schema({"pattern": anchored(_TEMPLATE)}),
]
