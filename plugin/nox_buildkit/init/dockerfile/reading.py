"""Keys of an image out of a Dockerfile: of its last stage, or of the one that is built."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nox_buildkit.buildspec.model.grammar import TARGET
from nox_buildkit.init.dockerfile.built import built_for, chain_of, has_python, is_foreign
from nox_buildkit.init.dockerfile.copied import Copied, copied
from nox_buildkit.init.dockerfile.installed import (
    Installed,
    compiled_with,
    is_compiler,
    is_development,
    take_run,
)
from nox_buildkit.init.dockerfile.placed import Around, Placed, home_of, kept, more_than, place
from nox_buildkit.init.dockerfile.settings import Settings, python_of, take_setting
from nox_buildkit.init.dockerfile.stages import Instruction, Stage, read_stages
from nox_buildkit.init.lookup import is_file
from nox_buildkit.init.moved import moved
from nox_buildkit.init.shell import started_in
from nox_buildkit.init.stated import WORKDIR, Stated, accepted

#: Arguments that every build has, or that concern the installation.
_OWN_ARGUMENT = re.compile(r"(?:PYTHON|PIP|UV|POETRY|DEBIAN|BUILD|TARGET)\w*|\w*_VERSION|VERSION")
_SYSTEM = re.compile(r"/(?:bin|dev|etc|lib\d*|proc|run|sbin|sys|tmp|usr|var/run|var/lock)(?:/|$)")


def read_dockerfile(
    text: str,
    context: Path,
    name: str,
    target: str = "",
    args: Mapping[str, str] | None = None,
    *,
    contexts: Mapping[str, str] | None = None,
) -> Stated | None:
    """Return the keys that ``text``, the Dockerfile ``name``, states of the stage ``target``.

    ``contexts``: by name, what a bake or compose file gives a build besides its context.
    None if no Python is in that stage.
    """
    named = {key.lower(): value for key, value in (contexts or {}).items()}
    stages = read_stages(text, args or {}, named)
    chain = chain_of(stages, target)
    if not chain or is_foreign(chain):
        return None
    reading = _Reading(name, context, stages, chain, named)
    reading.read()
    stated = reading.stated()
    stated.keys |= _arguments(chain, args or {})
    return stated


def _arguments(chain: Sequence[Stage], given: Mapping[str, str]) -> dict[str, object]:
    """Return those of the ``given`` arguments that a stage declares."""
    declared = {
        name
        for stage in chain
        for each in stage.instructions
        if each.name == "ARG"
        for name, _ in each.pairs
    }
    args = {k: v for k, v in given.items() if k in declared and not _OWN_ARGUMENT.fullmatch(k)}
    return {"args": args} if args else {}


class _Reading:
    """The reading of one Dockerfile."""

    def __init__(
        self,
        name: str,
        context: Path,
        stages: Sequence[Stage],
        chain: Sequence[Stage],
        contexts: Mapping[str, str],
    ) -> None:
        self._name, self._context, self._stages, self._chain = name, context, stages, chain
        self._contexts = contexts
        self._final, self._earlier = Installed(), Installed()
        self._built = built_for(stages, chain)
        self._settings = Settings()
        self._copies: list[tuple[Copied, str]] = []
        self._left: list[tuple[int, str]] = []

    def read(self) -> None:
        for stage in self._built:
            if stage in self._chain:
                self._settings.inherited = self._settings.command
                for each in stage.instructions:
                    self._take(each)
            elif has_python(stage):
                for each in stage.instructions:
                    if each.name == "RUN":
                        take_run(self._earlier, each)
            elif not self._is_of_tools(stage):
                self._left.append((stage.line, f"FROM {stage.base}"))

    def _take(self, each: Instruction) -> None:
        if each.name == "RUN":
            take_run(self._final, each)
        elif each.name in ("COPY", "ADD"):
            if read := copied(each):
                self._copies.append((read, self._settings.workdir))
            else:
                self._left.append((each.line, str(each)))
        elif not take_setting(self._settings, each):
            self._left.append((each.line, str(each)))

    def _is_of_tools(self, stage: Stage) -> bool:
        """Tell whether a stage is there to take a program of installation from."""
        return not stage.instructions or "uv" in stage.base

    def stated(self) -> Stated:
        settings, found = self._settings, Stated()
        stages = {name: has_python(s) for i, s in enumerate(self._stages)
                  for name in (s.name, str(i)) if name}  # fmt: skip
        home = home_of(self._copies, self._context, settings.workdir, stages)
        workdir = WORKDIR if _SYSTEM.match(home) else home
        found.moved = home if home != workdir else ""
        where = {k: f"{self._name}:{line}: " for k, line in settings.lines.items()}
        keys = settings.keys()
        around = Around(home, self._context, stages, self._contexts)
        keys |= self._packages(found) | self._placed(around, found)
        self._elsewhere(home, found, where.get("workdir", ""))
        keys = moved(started_in(keys, found.inside), found.moved, WORKDIR)
        user = str(keys.get("user", "")).partition(":")[0]
        if uid := self._final.accounts.get(user):
            keys["user"] = {"name": user, "uid": uid}
        if workdir != WORKDIR:
            keys["workdir"] = workdir
        if found.moved:
            found.notes.append(f"{where.get('workdir', '')}workdir {home}: {WORKDIR} instead")
        for key, value, refused in accepted(keys, where):
            if refused:
                found.notes.append(refused if key in where else f"{self._name}: {refused}")
            elif value:
                found.keys[key] = value
        found.notes += [f"{self._name}:{doubt}" for doubt in settings.doubts()]
        found.files += [*self._requirements(found)]
        found.extras += [*self._final.extras, *self._earlier.extras]
        found.groups += [*self._final.groups, *self._earlier.groups]
        found.ran = [text for _, text in (*self._earlier.left, *self._final.left)]
        found.base = self._chain[0].base
        python, doubt = python_of([stage.base for stage in self._chain])
        found.keys |= {"python": python} if python else {}
        if doubt and not self._contexts.get(found.base.lower(), "").startswith(TARGET):
            found.notes.append(f"{self._name}:{self._chain[0].line}: {doubt}")
        for line, text in sorted({*self._left, *self._final.left, *self._earlier.left}):
            found.notes.append(f"{self._name}:{line}: {text}: not taken over")
        return found

    def _elsewhere(self, home: str, found: Stated, where: str) -> None:
        """Say that the last working folder is not the one of the sources."""
        stated = self._settings.workdir
        if not self._settings.placed or stated in (home, "/"):
            return
        inside = posixpath.relpath(stated, home)
        found.inside = "" if inside.startswith("..") else inside
        goes = f"; the command goes to {inside}" if found.inside else ""
        found.notes.append(
            f"{where}workdir {stated}: the sources are in {home}, which is the working folder{goes}"
        )

    def _placed(self, around: Around, stated: Stated) -> dict[str, object]:
        found, home = Placed(), around.home
        for each, at in self._copies:
            place(found, each, at if at != "/" else home, around)
        self._left += [(i.line, f"{i}: {why}" if why else str(i)) for i, why in found.left]
        stated.notes += [
            f"{self._name}:{line}: the Dockerfile copies less: all files are copied that git does "
            "not ignore; 'copy' may name those that are needed"
            for line in more_than(found, self._copies, self._context)
        ]
        owned = found.owned or any(p in (home, ".") for p in self._final.owned)
        folders = [f for f in self._final.folders if f not in (home, ".")]
        return {
            "copy": kept(found, self._context),
            "files": found.files,
            "writable-workdir": owned,
            "directories": [
                f for f in dict.fromkeys(folders)
                if f"{f}/".startswith(f"{home}/") or not _SYSTEM.match(f)
            ],
        }  # fmt: skip

    def _packages(self, found: Stated) -> dict[str, object]:
        stated = self._final.debian
        if dropped := [name for name in stated if is_compiler(name)]:
            found.notes.append(
                f"{self._name}: {', '.join(dropped)}: where packages are compiled, a compiler is; "
                "the image has none"
            )
        compiling = [*compiled_with(self._earlier.debian), *filter(is_development, stated)]
        return {
            "apt": [name for name in stated if not is_compiler(name)],
            "build-apt": list(dict.fromkeys(compiling)),
        }

    def _requirements(self, found: Stated) -> Iterator[str]:
        """Yield the requirements files that are installed, as the context has them."""
        every = [c for stage in self._built for i in stage.instructions
                 if i.name == "COPY" and (c := copied(i)) and not c.origin]  # fmt: skip
        sources = {source.removeprefix("./") for each in every for source in each.sources}
        for name in dict.fromkeys([*self._earlier.files, *self._final.files]):
            plain = name.removeprefix("./")
            base = plain.rpartition("/")[2]
            named = [s for s in sorted(sources) if s.rpartition("/")[2] == base]
            renamed = [c.sources[0] for c in every if c.target == name]
            candidates = [plain, *renamed, *named, *[f"{s}/{base}" for s in sorted(sources)]]
            there = [c.removeprefix("./") for c in candidates if not c.startswith("/")]
            known = next((c for c in there if is_file(self._context / c)), "")
            if known:
                yield known
            else:
                found.notes.append(f"{self._name}: pip install -r {name}: there is no such file")
        for line, name in dict.fromkeys([*self._earlier.named, *self._final.named]):
            found.notes.append(
                f"{self._name}:{line}: pip install {name}: add it to the requirements"
            )
