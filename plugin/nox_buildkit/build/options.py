"""The options of command lines, as values."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from nox_buildkit.environment import in_ci
from nox_buildkit.errors import Code, UsageError
from nox_buildkit.report.console import ProgressStyle


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a spec that a command is about.

    ``images``: names of images and groups, none for all; ``platforms``: none for those of the spec;
    ``overrides``: keys of the spec and their values for this run; ``builder``: of buildx.
    """

    images: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    overrides: tuple[tuple[str, str], ...] = ()
    builder: str | None = None

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Selection:
        """Take it from a command line; ``lock`` knows neither platforms nor builders."""
        return cls(
            images=tuple(arguments.images),
            platforms=tuple(getattr(arguments, "platform", ())),
            overrides=tuple(arguments.set),
            builder=getattr(arguments, "builder", None),
        )


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Options of a build: ``output`` is the folder for images and records, absolute.

    ``pull``: look for newer bases; ``load``: put images into the engine's store, too; ``verbose``:
    show the log of every step; ``push_by_digest``: to the repositories, for a merge;
    ``export_cache``: write the layer caches that the spec names.
    """

    output: Path
    no_cache: bool = False
    pull: bool = False
    load: bool = False
    progress: ProgressStyle = "auto"
    verbose: bool = False
    push_by_digest: bool = False
    export_cache: bool = False

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> BuildOptions:
        """Take them from a command line; ``push`` does not load. Raises UsageError."""
        if arguments.json and arguments.progress == "json":
            message = "--json and --progress json both write to standard output"
            raise UsageError(Code.COMMAND_LINE(message, "leave one of them out"))
        return cls(
            output=arguments.output.absolute(),
            no_cache=arguments.no_cache,
            pull=arguments.pull,
            load=getattr(arguments, "load", False),
            progress=arguments.progress,
            verbose=arguments.verbose,
            push_by_digest=getattr(arguments, "push_by_digest", False),
            export_cache=arguments.export_cache or in_ci(),
        )
