"""The types of values about what goes into an image, and what its build is told."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from nox_buildkit.buildspec.model import container_values as container
from nox_buildkit.buildspec.model import grammar
from nox_buildkit.buildspec.model.field_types import Schema, anchored

ArgumentName: TypeAlias = Annotated[
    str,
    AfterValidator(container.argument_name),
    Schema(
        {
            "pattern": anchored(container.ENV_NAME),
            "not": {"pattern": anchored(f"(?:{container.RESERVED_ARGUMENT})")},
        }
    ),
]
Checksum: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.checksum),
    Schema({"pattern": anchored(grammar.CHECKSUM)}),
]
TakenImage: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.taken_image),
    Schema(
        {
            "pattern": anchored(grammar.REFERENCE),
            "not": {"enum": ["scratch", *grammar.BASE_PRESETS]},
        }
    ),
]
