"""The types of single values: a grammar for the reader and a pattern for the JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from nox_buildkit.buildspec.model import constraints, grammar
from nox_buildkit.buildspec.model import container_values as container
from nox_buildkit.buildspec.text import argument, value_text


# eq=False: typing wants what annotates a type to be hashable, which a dict is not.
@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """Adds keywords to the JSON Schema of the type that it annotates."""

    keywords: dict[str, Any]

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), **self.keywords}


@dataclass(frozen=True, slots=True)
class IntegerAsWritten:
    """An unquoted integer stands for its own text: ``PORT: 8000`` means the string 8000."""


@dataclass(frozen=True, slots=True)
class OrOne:
    """A list of one item may be written as that item."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        several = handler(core_schema)
        return {"anyOf": [several["items"], several]}


def anchored(pattern: str) -> str:
    # JSON Schema patterns are ECMA 262 and match anywhere; the simple patterns here are both.
    return f"^{pattern}$"


_NUMBER_OR_TEXT = Schema({"type": ["string", "integer"]})

FormatVersion: TypeAlias = Annotated[Literal[1], BeforeValidator(constraints.format_version)]
Name: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.name),
    Schema({"pattern": anchored(grammar.COMPONENT), "maxLength": 128}),
]
ImageName: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.image_name),
    Schema({"pattern": anchored(grammar.IMAGE_NAME), "maxLength": 128}),
]
SetName: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.set_name),
    Schema(
        {
            "pattern": anchored(grammar.COMPONENT),
            "maxLength": 128,
            "not": {"const": grammar.NO_REQUIREMENTS},
        }
    ),
]
ProjectName: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.project_name),
    Schema({"pattern": anchored(grammar.PROJECT_NAME)}),
]
PythonVersion: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.python_version),
    Schema({"pattern": anchored(grammar.PYTHON)}),
]
Platform: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.platform),
    Schema({"enum": list(grammar.PLATFORMS)}),
]
Base: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.base),
    Schema({"pattern": anchored(grammar.REFERENCE), "not": {"const": "scratch"}}),
]
Path: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.path),
    Schema({"pattern": r"^[^/~\\][^\\]*$"}),
]
InnerPath: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.inner_path),
    Schema({"pattern": r"^[^/~\\][^\\]*$"}),
]
CopiedPath: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.copied_path),
    Schema({"pattern": r"^[^/~\\*?\[][^\\*?\[]*$"}),
]
Source: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.source),
    Schema(
        {
            "pattern": r"^(?:[^/~\\][^\\]*/)?"
            r"(?:pyproject\.toml|setup\.(?:py|cfg)|[^/\\]*\.(?:in|txt|lock))$"
        }
    ),
]
IndexUrl: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.index_url),
    Schema({"pattern": r"^https?://[^@?#\s]+$"}),
]
Argument: TypeAlias = Annotated[str, AfterValidator(argument)]
EnvName: TypeAlias = Annotated[
    str,
    AfterValidator(container.env_name),
    Schema({"pattern": anchored(container.ENV_NAME)}),
]
PackageName: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.package_name),
    Schema({"pattern": anchored(grammar.PACKAGE_NAME)}),
]
DebianPackage: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.debian_package),
    Schema({"pattern": anchored(grammar.DEBIAN_PACKAGE)}),
]
LabelName: TypeAlias = Annotated[
    str,
    AfterValidator(grammar.label_name),
    Schema({"pattern": anchored(grammar.LABEL_NAME)}),
]
Text: TypeAlias = Annotated[str, AfterValidator(value_text), IntegerAsWritten(), _NUMBER_OR_TEXT]
User: TypeAlias = Annotated[
    str,
    AfterValidator(container.user),
    IntegerAsWritten(),
    _NUMBER_OR_TEXT,
    Schema({"pattern": anchored(container.USER), "minimum": 0}),
]
UserName: TypeAlias = Annotated[
    str,
    AfterValidator(container.user_name),
    Schema({"pattern": anchored(container.USER_NAME)}),
]
UserId: TypeAlias = Annotated[int, Field(ge=0, le=2**31 - 1)]
SystemPath: TypeAlias = Annotated[
    str,
    AfterValidator(container.system_path),
    Schema({"pattern": "^(?:/[^/]+)+$"}),
]
CachePath: TypeAlias = Annotated[
    str,
    AfterValidator(container.cache_path),
    Schema({"pattern": anchored(container.CACHE_PATH)}),
]
FileMode: TypeAlias = Annotated[
    str,
    AfterValidator(container.file_mode),
    Schema({"pattern": anchored(container.FILE_MODE)}),
]
Duration: TypeAlias = Annotated[
    str,
    AfterValidator(container.duration),
    IntegerAsWritten(),
    Schema({"pattern": anchored(container.DURATION)}),
]
StopSignal: TypeAlias = Annotated[
    str,
    AfterValidator(container.stop_signal),
    IntegerAsWritten(),
    _NUMBER_OR_TEXT,
    Schema({"pattern": anchored(container.STOP_SIGNAL), "minimum": 1, "maximum": 64}),
]
Retries: TypeAlias = Annotated[int, Field(ge=1, le=1000)]
Workdir: TypeAlias = Annotated[
    str,
    AfterValidator(container.workdir),
    Schema({"pattern": "^(?:/[^/]+)+$"}),
]
Port: TypeAlias = Annotated[
    str,
    BeforeValidator(container.port),
    IntegerAsWritten(),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": anchored(container.PORT)},
            ]
        }
    ),
]

_T = TypeVar("_T")
# strict=False: the reader gives lists, which a strict tuple refuses. Items stay strict.
Unique: TypeAlias = Annotated[
    tuple[_T, ...],
    Field(strict=False),
    AfterValidator(constraints.unique),
    Schema({"uniqueItems": True}),
]
Filled: TypeAlias = Annotated[
    tuple[_T, ...],
    Field(strict=False),
    AfterValidator(constraints.filled),
    AfterValidator(constraints.unique),
    Schema({"uniqueItems": True, "minItems": 1}),
]
OneOrMore: TypeAlias = Annotated[Filled[_T], BeforeValidator(constraints.several), OrOne()]
Several: TypeAlias = Annotated[tuple[_T, ...], Field(strict=False)]
Program: TypeAlias = Annotated[
    tuple[Argument, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(container.exec_form),
    AfterValidator(container.program),
]
ExecForm: TypeAlias = Annotated[
    tuple[Argument, ...],
    Field(strict=False),
    BeforeValidator(container.exec_form),
    AfterValidator(container.command),
]
