"""Locks of other tools, exported by these tools themselves: hashed requirements, nothing resolved.

Only the tool knows whether its lock still fits, and it refuses one that does not. Tools other than
uv are run in an environment of their own that uv makes for the moment.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace

from packaging.utils import canonicalize_name

from nox_buildkit.errors import Code, LockError
from nox_buildkit.lock.pdmlock import pdm_groups
from nox_buildkit.lock.poetrylock import check_poetry_lock
from nox_buildkit.lock.readers import read_json
from nox_buildkit.lock.source import LOCK_COMMANDS, Source
from nox_buildkit.lock.uv import run_tool, run_uv
from nox_buildkit.lock.uvlock import changed_pythons, changes_since, requires_python

#: What is installed to run each tool; bounds, since another major version has other options.
#: PDM 2.29 fails with newer versions of the two libraries that stand beside it.
POETRY = ("poetry>=2.1,<3", "poetry-plugin-export>=1.9,<2")
PDM = ("pdm>=2.20,<3", "hishel<2", "unearth<0.18")
PIPENV = ("pipenv>=2024",)

#: Keys of a Pipfile.lock that have another name in the Pipfile.
_CATEGORIES = {"default": "packages", "develop": "dev-packages"}


def export(source: Source) -> str:
    """The requirements that the lock ``source.path`` states, with hashes and markers.

    The project itself is not among them. Raises LockError for a lock that its tool calls stale, and
    with the tool's own message for whatever else it complains of.
    """
    text = _EXPORTS[source.kind](source)
    return text if text.endswith("\n") else f"{text}\n"


def export_files(source: Source) -> str:
    """The files of every package of a uv.lock that an index has, as a pylock (PEP 751).

    Raises LockError.
    """
    command = _uv_export(source, ["--frozen", "--no-emit-local"], "pylock.toml")
    return run_uv(command, cwd=source.path.parent)


def _uv(source: Source) -> str:
    command = _uv_export(source, unless_stale(source), "requirements.txt")
    return run_uv([*command, "--no-header"], cwd=source.path.parent)


def _uv_export(source: Source, options: Sequence[str], form: str) -> list[str]:
    member = ["--package", source.package] if source.package else []
    return [
        "export", "--quiet", *options, "--format", form,
        "--no-default-groups", "--no-emit-project", "--no-editable", *member,
        *_each("--extra", source.extras), *_each("--group", source.groups),
    ]  # fmt: skip


def unless_stale(source: Source) -> list[str]:
    """Options that make uv refuse a stale lock, for which it wants a Python of the project's."""
    lock = source.path
    if changed := list(changed_pythons(lock)):
        raise LockError(*changed)
    versions = requires_python(lock)
    with contextlib.suppress(LockError):
        wanted = ["--", versions.text] if versions else []
        found = run_uv(["python", "find", *wanted], cwd=lock.parent).strip()
        return ["--locked", "--python", found]
    if changed := list(changes_since(lock)):
        raise LockError(*changed)
    return ["--frozen"]


def _poetry(source: Source) -> str:
    check_poetry_lock(source.path)
    options = (*_each("--extras", source.extras), *_each("--with", source.groups))
    command = ["poetry", "export", "--no-interaction", "--format", "requirements.txt", *options]
    return _checked(source, POETRY, command)


def _pdm(source: Source) -> str:
    folder = source.path.parent
    # PDM notes which Python it found, in a file that is none of ours.
    note = folder / ".pdm-python"
    noted = note.exists()
    # Naming a development group leaves the others out, and --production does not go with it.
    production = [] if source.groups else ["--production"]
    _refuse_unknown(source, pdm_groups(source.path))
    selected = _each("--group", (*source.extras, *source.groups))
    try:
        _checked(source, PDM, ["pdm", "lock", "--check"])
        command = ["pdm", "export", "--format", "requirements", *production, *selected]
        return run_tool(PDM, command, cwd=folder)
    except LockError as error:
        raise _without_hash(error) or error from None
    finally:
        if not noted:
            note.unlink(missing_ok=True)


def _without_hash(error: LockError) -> LockError | None:
    """The error for a path dependency or a commit, which PDM exports only without hashes."""
    found = re.search(r"Hash is not available for '(\S+)", error.problems[0].message)
    if not found:
        return None
    message = f"PDM exports '{found[1]}' only without hashes: it is from no index"
    hint = "name pyproject.toml as the source of the requirements"
    return LockError(Code.UNRESOLVABLE(message, hint))


def _pipenv(source: Source) -> str:
    folder = source.path.parent
    _checked(source, PIPENV, ["pipenv", "verify"])
    locked = [_CATEGORIES.get(key, key) for key in read_json(source.path)]
    _refuse_unknown(source, [name for name in locked if name != "_meta"])
    # Those that are named take the place of the default one.
    names = " ".join(dict.fromkeys(("packages", *source.groups)))
    categories = ["--categories", names] if source.groups else []
    return run_tool(PIPENV, ["pipenv", "requirements", "--hash", *categories], cwd=folder)


def _refuse_unknown(source: Source, known: Sequence[str]) -> None:
    """Refuse groups that the lock does not have, which PDM and Pipenv pass over."""
    normal = {canonicalize_name(name) for name in known}
    for name in (*source.extras, *source.groups):
        if canonicalize_name(name) not in normal:
            message = f"{source.path.name} has no group '{name}'"
            offered = ", ".join(sorted(known)) or "none"
            raise LockError(Code.REQUIREMENTS_KEY(message, f"it has: {offered}", source.location))


def _checked(source: Source, requirements: Sequence[str], command: Sequence[str]) -> str:
    """Let a tool compare its lock with its sources; a refusal becomes an error with a hint."""
    try:
        return run_tool(requirements, command, cwd=source.path.parent)
    except LockError as error:
        hint = f"run '{LOCK_COMMANDS[source.path.name]}' and commit it"
        problems = (replace(p, hint=p.hint or hint) for p in error.problems)
        raise LockError(*problems) from None


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [part for value in values for part in (option, value)]


_EXPORTS = {"uv": _uv, "poetry": _poetry, "pdm": _pdm, "pipenv": _pipenv}
