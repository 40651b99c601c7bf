"""The reference page of a buildspec, as Markdown."""

from __future__ import annotations

import inspect
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nox_buildkit.buildspec.model.builder import Builder, Node, Tls
from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.cache import Cache
from nox_buildkit.buildspec.model.expected_types import ExpectedKind, flow, kind_of
from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.buildspec.model.requirement_set import Requirements
from nox_buildkit.buildspec.model.runtime import Account, File, Healthcheck, Step
from nox_buildkit.buildspec.model.signing import Attestations, Signing
from nox_buildkit.buildspec.model.smoke_test import Test
from nox_buildkit.buildspec.reading.yaml_reader import MAX_DEPTH, MAX_NODES, MAX_SIZE

_WORDS: dict[Any, str] = {int: "integer", bool: "`true` or `false`"}

_INTRODUCTION = """\
# Buildspec reference

This page is generated from the model that reads the file, as is the
[JSON Schema](buildspec.schema.json) for [editors](guide/editor.md). The smallest useful buildspec:

```yaml
version: 1
images:
  hello:
    command: [fastapi, run, main.py, --host, 0.0.0.0, --port, "8000"]
```
"""

_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Top of the file", BuildSpec),
    ("Builder", Builder),
    ("Node", Node),
    ("TLS", Tls),
    ("Image", Image),
    ("Requirements", Requirements),
    ("Healthcheck", Healthcheck),
    ("Account", Account),
    ("File", File),
    ("Step", Step),
    ("Test", Test),
    ("Attestations", Attestations),
    ("Signing", Signing),
    ("Cache", Cache),
)

_RULES = f"""\
## Reading

- Every mistake in the file is reported at once, as `file:line:column: key: cause; next step`.
- YAML 1.1 reads some plain words as other things: `3.10` as the number 3.1, `on` and `no` as
  booleans. Where a string is meant, that is an error; put it in quotes. In `env`, `labels`, `user`,
  `owner`, `stop-signal` and `expose`, an unquoted integer stands for itself: `PORT: 8000`.
- Unknown keys, duplicate keys, empty keys, tags such as `!!python/name` and a second document are
  errors. Anchors, aliases and `<<` work, within the limits: {MAX_SIZE // 1024} KiB of text,
  {MAX_DEPTH} levels, {MAX_NODES} values with every alias counted each time that it is used.
- No value may hold control characters. Newlines and tabs may stand in arguments of
  programs (`command` and the like), tabs in values of `env` and `labels`.
- `defaults` apply to every image. The image's own key wins; `env` and `labels` are merged name by
  name; lists are replaced. The keys of an image apply to its `per-platform` in the same way.

## `--set KEY=VALUE`

Sets a value over that of the file: `--set registry=127.0.0.1:5000/demo`,
`--set 'images.hello.tags=[a, b]'`. KEY is the dotted path of a key; images and sets of requirements
must be in the file. VALUE is YAML, but where the key wants a string it is taken as it is, so that
`--set images.hello.python=3.12` needs no quotes. A list is set as a whole. Of two for one key, the
later wins.
"""


def reference_page() -> str:
    """Every key with type, default, meaning and example."""
    sections = [_section(title, model) for title, model in _SECTIONS]
    return "\n".join([_INTRODUCTION, *sections, _RULES])


def _section(title: str, model: type[BaseModel]) -> str:
    lines = [
        f"## {title}",
        "",
        inspect.cleandoc(model.__doc__ or ""),
        "",
        "| Key | Type | Default | Meaning | Example |",
        "| --- | --- | --- | --- | --- |",
    ]
    for key, field in ExpectedKind(model).keys.items():
        cells = (
            f"`{key}`",
            _type(field),
            _default(field),
            field.description or "",
            _example(key, field),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _type(field: FieldInfo) -> str:
    kind = kind_of(field.annotation)
    return _words(ExpectedKind(kind.type, (*kind.metadata, *field.metadata), kind.mapping))


def _words(kind: ExpectedKind, many: str = "") -> str:
    if kind.model:
        title = next(title for title, model in _SECTIONS if issubclass(model, kind.model))
        return f"[{title.lower()}](#{title.lower()})"
    if kind.is_list:
        item = kind_of(get_args(kind.type)[0])
        one = f"{_words(item, many)} or " if kind.or_one else ""
        return f"{one}list{many} of {_words(item, 's')}"
    if kind.is_mapping:
        return f"mapping of names to {_words(kind_of(get_args(kind.type)[1]), 's')}"
    if kind.is_text:
        text = f"string{many} or integer{many}" if kind.keeps_integers else f"string{many}"
        return f"{text} or {_words(ExpectedKind(kind.mapping))}" if kind.mapping else text
    if kind.type in _WORDS:
        return _WORDS[kind.type]
    return " or ".join(f"`{value}`" for value in get_args(kind.type))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default: Any = field.get_default(call_default_factory=True)
    if default is None or isinstance(default, BaseModel):
        return ""
    return f"`{flow(list(default) if isinstance(default, tuple) else default)}`"


def _example(key: str, field: FieldInfo) -> str:
    return "<br>".join(f"`{key}: {flow(example)}`" for example in field.examples or ())
