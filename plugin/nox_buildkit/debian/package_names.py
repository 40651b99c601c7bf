"""Names of Debian packages as a spec has them: what apt says of those that are wrong.

A name is that of one package, or of a virtual package with one provider, as for apt-get(8); never
a regular expression, which is what apt takes an unknown name for by default.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from nox_buildkit.errors import Code, EngineError, Problem

#: The option (apt.conf(5)) that leaves regular expressions out; older than any Debian with updates.
EXACT = ("APT::Cmd::Pattern-Only", "true")

_UNKNOWN = re.compile(r"^E: Unable to locate package (\S+)$", re.M)
_WITHOUT_CANDIDATE = re.compile(r"^E: Package '(\S+)' has no installation candidate$", re.M)
_PROVIDED = re.compile(r"^Package (\S+) is a virtual package provided by:\n((?:  \S+ .*\n)+)", re.M)

SEARCH = "packages.debian.org lists those of each release"


def wrong_names(said: str, where: str) -> Iterator[Problem]:
    """A problem for each name that apt-get refused when it ``said`` so; ``where``: Debian's suite.

    Each problem is ``about`` the name.
    """
    provided = {name: lines.split("\n") for name, lines in _PROVIDED.findall(said)}
    for name in _WITHOUT_CANDIDATE.findall(said):
        providers = [line.split()[0] for line in provided.get(name, ()) if line.strip()]
        if providers:
            message = f"'{name}' is a virtual package, which several packages of {where} provide"
            yield Code.DEBIAN_PACKAGE(
                message, f"name one of them: {', '.join(providers)}", about=name
            )
        else:
            yield unknown_name(name, where)
    for name in _UNKNOWN.findall(said):
        yield unknown_name(name, where)


def unknown_name(name: str, where: str) -> Problem:
    """The problem of a name that no package has."""
    return Code.DEBIAN_PACKAGE(f"no package of {where} is named '{name}'", SEARCH, about=name)


def with_nearest(error: EngineError, known: Collection[str]) -> EngineError:
    """The same error, with the names of ``known`` that are closest to each unknown one."""
    return EngineError(*(_with_nearest(problem, known) for problem in error.problems))


def _with_nearest(problem: Problem, known: Collection[str]) -> Problem:
    if problem.hint != SEARCH:
        return problem
    # Half a second for all of Debian; a mistake is rarely in the first letters.
    alike = [name for name in known if name[:3] == problem.about[:3]]
    close = difflib.get_close_matches(problem.about, alike, n=3, cutoff=0.7)
    return replace(problem, hint=f"did you mean {' or '.join(close)}?") if close else problem


def installed_names(asked: Collection[str], controls: Mapping[str, str]) -> dict[str, str]:
    """Return the package that each of ``asked`` became; ``controls``: control files of all by name.

    A name that is missing in the result was not installed.
    """
    provider: dict[str, str] = {}
    for name, control in controls.items():
        for line in control.splitlines():
            if line.startswith("Provides: "):
                provided = re.sub(r"\([^)]*\)", "", line.removeprefix("Provides: "))
                # What a package of another architecture provides is of that one, too.
                suffix = "".join(name.partition(":")[1:])
                provider |= {f"{each.strip()}{suffix}": name for each in provided.split(",")}
    found = {name: name if name in controls else provider.get(name, "") for name in asked}
    return {name: package for name, package in found.items() if package}
