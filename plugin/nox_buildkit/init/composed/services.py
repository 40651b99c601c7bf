"""Services of a compose file as builds: one image for all services of one build."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nox_buildkit.init.builds import DOCKERFILE, Build, Builds
from nox_buildkit.init.composed.document import ComposeFile
from nox_buildkit.init.composed.values import (
    OfMachineError,
    container_ports,
    env_file,
    env_files,
    filled,
    items,
    named_volumes,
    pairs,
    taken,
    words,
)
from nox_buildkit.init.lookup import is_file
from nox_buildkit.init.secrets import secret_in
from nox_buildkit.init.shell import check_form, exec_form, literal

_Value = TypeVar("_Value")
#: Keys of ``build`` that are read; the rest has no counterpart.
_READ = frozenset({"context", "dockerfile", "dockerfile_inline", "args", "target", "platforms",
                   "labels", "tags", "additional_contexts"})  # fmt: skip
_TIMES = {"interval": "interval", "timeout": "timeout", "start_period": "start-period",
          "start_interval": "start-interval", "retries": "retries"}  # fmt: skip


def of_services(file: ComposeFile, root: Path, listed: Collection[str]) -> Builds:
    """Return the builds of ``file``; ``listed``: files that belong to the project.

    Services of one build that differ in their command only are one image: Compose builds the same
    layers for each, and the commands are stated where the containers are started, as before.
    """
    notes = list(file.notes)
    groups: dict[tuple[object, ...], list[tuple[Build, dict[str, Any]]]] = {}
    for name, service in file.services.items():
        if build := _build(file, name, service.get("build"), notes):
            keys = _Service(file, name, root, listed, notes).keys(service)
            groups.setdefault(build.recipe, []).append((build, keys))
    return Builds(tuple(_shared(file, each, notes) for each in groups.values()), {}, tuple(notes))


def _build(file: ComposeFile, name: str, stated: object, notes: list[str]) -> Build | None:
    """Return what a service builds, without how it starts."""
    where = file.at(name, "build")
    build = {"context": stated} if isinstance(stated, str) else stated
    if not isinstance(build, dict):
        return None
    notes += [
        f"{file.at(name, 'build', key)}: build.{key}: not taken over"
        for key in build
        if key not in _READ
    ]
    args, left = taken(dict(pairs(build.get("args"))))
    notes += [f"{where}: build.args.{k}: not taken over: {why}" for k, why in left.items()]
    keys: dict[str, Any] = {"platforms": [str(p) for p in items(build.get("platforms"))]}
    keys["labels"], left = taken(dict(pairs(build.get("labels"))))
    notes += [f"{where}: build.labels.{k}: not taken over: {why}" for k, why in left.items()]
    try:
        context = str(filled(build.get("context")) or ".")
        dockerfile = str(filled(build.get("dockerfile")) or DOCKERFILE)
        inline = str(filled(build.get("dockerfile_inline")) or "")
        target = str(filled(build.get("target")) or "")
        stated_contexts = pairs(filled(build.get("additional_contexts")))
        contexts = {k: str(v).replace("service:", "target:") for k, v in stated_contexts}
    except OfMachineError as error:
        notes.append(f"{where}: build: not taken over: the value of {error} is not known")
        return None
    why = f"Service '{name}' of {file.name}."
    return Build(
        name, where, why, context, dockerfile, inline, target, args,
        {k: v for k, v in keys.items() if v}, contexts,
    )  # fmt: skip


class _Service:
    """The reading of one service: how its containers start."""

    def __init__(
        self, file: ComposeFile, name: str, root: Path, listed: Collection[str], notes: list[str]
    ) -> None:
        self._file, self._name, self._root, self._listed = file, name, root, listed
        self._notes = notes

    def keys(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"env": self._env(stated)}
        readers: Sequence[tuple[str, Callable[[Any], dict[str, Any]]]] = (
            ("entrypoint", lambda value: {"entrypoint": list(literal(words(value)))}),
            ("command", lambda value: exec_form(words(value), {}).keys),
            ("healthcheck", _health),
            ("user", lambda value: {"user": str(value)}),
            ("working_dir", lambda value: {"workdir": str(value)}),
            ("stop_signal", lambda value: {"stop-signal": str(value)}),
            ("platform", lambda value: {"platforms": [str(value)]}),
        )
        for key, read in readers:
            if stated.get(key) is None:
                continue
            try:
                taken_over = read(filled(stated[key]))
            except OfMachineError as error:
                self._left(key, f"only the machine that starts it knows {error}")
                continue
            if secret := secret_in(_words_of(taken_over)):
                self._left(key, f"{secret}: everyone who has an image can read it")
            else:
                found |= taken_over
        found["expose"] = list(dict.fromkeys([
            *self._each(stated, "ports", container_ports),
            *self._each(stated, "expose", container_ports),
        ]))  # fmt: skip
        found["volumes"] = list(dict.fromkeys(self._each(stated, "volumes", named_volumes)))
        return {key: value for key, value in found.items() if value}

    def _each(
        self, stated: Mapping[str, Any], key: str, read: Callable[[Any], Iterable[_Value]]
    ) -> list[_Value]:
        found: list[_Value] = []
        for item in items(stated.get(key)):
            try:
                found += read(item)
            except OfMachineError as error:
                self._left(key, f"only the machine that starts it knows {error}")
        return found

    def _env(self, stated: Mapping[str, Any]) -> dict[str, str]:
        values: dict[str, object] = {}
        for path in self._each(stated, "env_file", env_files):
            known = path.removeprefix("./")
            if known in self._listed and is_file(self._root / known):
                text = (self._root / known).read_text(encoding="utf-8", errors="replace")
                values |= env_file(text)
            else:
                self._left("env_file", f"{path} is no file of the project")
        found, left = taken({**values, **dict(pairs(stated.get("environment")))})
        for name, why in left.items():
            self._left("environment", f"{name}: {why}")
        return found

    def _left(self, key: str, why: str) -> None:
        where = self._file.at(self._name, key)
        self._notes.append(f"{where}: {key}: stays in {self._file.name}: {why}")


def _words_of(keys: Mapping[str, Any]) -> list[str]:
    """Return the words of all programs of ``keys``."""
    check = keys.get("healthcheck", {}).get("test", ())
    before = [word for each in keys.get("prestart", ()) for word in each]
    return [*before, *keys.get("entrypoint", ()), *keys.get("command", ()), *check]


def _health(stated: Any) -> dict[str, Any]:
    if not isinstance(stated, dict) or stated.get("disable"):
        return {}
    test = stated.get("test")
    if isinstance(test, str):
        check = list(check_form(test, {}))
    else:
        kind, *rest = words(test) or ["NONE"]
        if kind == "NONE" or not rest:
            return {}
        check = list(check_form(rest[0], {})) if kind == "CMD-SHELL" else rest
    times = {key: stated[name] for name, key in _TIMES.items() if name in stated}
    if str(times.get("retries", "")).isdecimal():
        times["retries"] = int(times["retries"])
    return {"healthcheck": {"test": check, **times}}


def _shared(
    file: ComposeFile, services: Sequence[tuple[Build, dict[str, Any]]], notes: list[str]
) -> Build:
    """Return the one build of ``services``, with what is true of all of them.

    The first that listens says what an image does by itself.
    """
    main, keys = next((each for each in services if "expose" in each[1]), services[0])
    others = [each for each in services if each[0] is not main]
    shared = {k: v for k, v in keys.items() if k in ("command", "prestart", "expose", "entrypoint")}
    for key in keys.keys() - shared.keys():
        values = [each.get(key) for _, each in services]
        if all(value == values[0] for value in values):
            shared[key] = keys[key]
        elif key == "env":
            every = [value or {} for value in values]
            shared[key] = {k: v for k, v in keys[key].items() if all(e.get(k) == v for e in every)}
        elif key == "volumes":
            shared[key] = list(dict.fromkeys(path for value in values for path in value or ()))
    if len(shared.get("env", {})) < len(keys.get("env", {})):
        left = ", ".join(sorted(keys["env"].keys() - shared["env"].keys()))
        notes.append(f"{file.at(main.name, 'environment')}: environment: stays in {file.name}: "
                     f"{left}: not all services of this build have it")  # fmt: skip
    if (
        others
        and "entrypoint" in shared
        and any(each.get("entrypoint") != shared["entrypoint"] for _, each in others)
    ):
        shared["command"] = [*shared.pop("entrypoint"), *shared.get("command", ())]
    names = tuple(build.name for build, _ in others)
    return Build(
        main.name, main.where, _why(file, main.name, list(names)), main.context, main.dockerfile,
        main.inline, main.target, main.args, {**main.keys, **shared}, main.contexts, names,
    )  # fmt: skip


def _why(file: ComposeFile, name: str, others: list[str]) -> str:
    why = f"Service '{name}' of {file.name}."
    if not others:
        return why
    listed = ", ".join(f"'{each}'" for each in others)
    verb = "are" if len(others) > 1 else "is"
    return (
        f"{why} {listed} {verb} of the same build, so of this image: what differs (a command) "
        f"stays in {file.name}, where containers are started."
    )
