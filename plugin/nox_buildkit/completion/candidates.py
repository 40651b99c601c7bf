"""Values that fit an argument, from the spec; none if it cannot be read."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from argcomplete.completers import DirectoriesCompleter

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.buildspec.model.strict import key_of
from nox_buildkit.buildspec.reading.load import load
from nox_buildkit.errors import NoxBuildkitError
from nox_buildkit.oci.platform import PLATFORMS

Completer = Callable[..., Iterable[str]]

#: Values that nobody knows before they are written; argcomplete would offer files.
_FREE = ("--env", "--publish", "--builder", "--upgrade-package", "--changed-since", "--base")


def add_completers(parser: argparse.ArgumentParser, buildspec: Path) -> None:
    """Tell argcomplete what fits the arguments of ``parser``."""
    spec = _read(buildspec)
    completers: dict[str, object] = {
        "IMAGE": _described(spec),
        "--image": _described(spec),
        "--platform": lambda **_: _platforms(spec),
        "--set": lambda **_: _keys(spec),
        "--output": DirectoriesCompleter(),
        **dict.fromkeys(_FREE, lambda **_: ()),
    }
    for action in parser._actions:
        names = [*action.option_strings, *([] if action.option_strings else [action.metavar])]
        for name in names:
            if isinstance(name, str) and name in completers:
                action.completer = completers[name]  # type: ignore[attr-defined]


def _read(buildspec: Path) -> BuildSpec | None:
    try:
        return load(buildspec)
    except NoxBuildkitError:
        # Whoever is typing is told by the session itself.
        return None


def _described(spec: BuildSpec | None) -> Completer:
    """Images and groups, each with a word on what it is."""
    if spec is None:
        return lambda **_: ()
    groups = {name: f"group: {', '.join(images)}" for name, images in spec.groups.items()}
    names = {**dict.fromkeys(spec.images, "image"), **groups}
    # argcomplete shows the texts of a mapping beside the names.
    return lambda **_: names


def _platforms(spec: BuildSpec | None) -> Iterable[str]:
    if spec is None:
        return PLATFORMS
    return dict.fromkeys(p for image in spec.images.values() for p in image.platforms)


def _keys(spec: BuildSpec | None) -> list[str]:
    """Dotted keys for ``--set``."""
    top = [f"{key_of(name)}=" for name in ("registry", "builder")]
    names = [*(f"images.{name}" for name in (spec.images if spec else ())), "defaults"]
    return [*top, *(f"{name}.{key_of(key)}=" for name in names for key in Image.model_fields)]
