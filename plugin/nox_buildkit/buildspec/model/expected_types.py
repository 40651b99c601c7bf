"""Types that the model expects at a place of the spec, for reader and reference page."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nox_buildkit.buildspec.model.field_types import IntegerAsWritten, OrOne


@dataclass(frozen=True, slots=True)
class ExpectedKind:
    """A type without Optional and Annotated, and what annotated it.

    ``mapping``: the model of a mapping in its place, where both forms can be written.
    """

    type: Any
    metadata: tuple[Any, ...] = ()
    mapping: type[BaseModel] | None = None

    @property
    def model(self) -> type[BaseModel] | None:
        is_model = isinstance(self.type, type) and issubclass(self.type, BaseModel)
        return self.type if is_model else None

    @property
    def is_text(self) -> bool:
        return self.type is str

    @property
    def keeps_integers(self) -> bool:
        return any(isinstance(item, IntegerAsWritten) for item in self.metadata)

    @property
    def or_one(self) -> bool:
        return any(isinstance(item, OrOne) for item in self.metadata)

    @property
    def is_mapping(self) -> bool:
        return get_origin(self.type) is dict

    @property
    def is_list(self) -> bool:
        return get_origin(self.type) is tuple

    @property
    def keys(self) -> dict[str, FieldInfo]:
        """The keys that a model has, in order."""
        model = self.model or self.mapping
        if not model:
            return {}
        return {field.alias or name: field for name, field in model.model_fields.items()}

    def child(self, part: str | int) -> ExpectedKind | None:
        """Return the type that is expected under a key or an index, None where none is."""
        if isinstance(part, str) and part in self.keys:
            field = self.keys[part]
            inner = kind_of(field.annotation)
            return ExpectedKind(inner.type, (*inner.metadata, *field.metadata), inner.mapping)
        if isinstance(part, str) and self.is_mapping:
            return kind_of(get_args(self.type)[1])
        if isinstance(part, int) and self.is_list:
            return kind_of(get_args(self.type)[0])
        return None


def kind_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> ExpectedKind:
    """Strip Annotated and Optional from a type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return kind_of(inner, (*metadata, *more))
    if origin in {Union, types.UnionType}:
        inner, *others = (arg for arg in get_args(annotation) if arg is not types.NoneType)
        first = kind_of(inner, metadata)
        models = (kind_of(other).model for other in others)
        return ExpectedKind(first.type, first.metadata, next(filter(None, models), first.mapping))
    return ExpectedKind(annotation, metadata)


def flow(value: Any) -> str:
    """``value`` as YAML on one line."""
    # In a list, because PyYAML ends a lone scalar with a document marker.
    return yaml.safe_dump([value], default_flow_style=True, width=10_000, sort_keys=False)[1:-2]
