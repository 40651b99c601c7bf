"""The file of each package that each platform gets, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from nox_buildkit.plan.facts import Coverage, LockedFile
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.packages import Packages

#: Platform → package → its version, and what there is of it.
Cells = Mapping[str, Mapping[str, tuple[str, str]]]

_WORDS = {"wheel": "wheel", "sdist": "compiled", "none": "nothing", "other": "not on an index"}


def print_planned(console: Console, image: ImagePlan) -> None:
    """Print the packages of ``image`` that are not one file for all platforms."""
    if text := _planned(console, image.packages):
        console.print(Text.from_ansi(text), soft_wrap=True)


@cache
def _planned(console: Console, packages: Packages) -> str:
    """Return the table as it is printed: images that share a lock have the same one."""
    table = _table(
        {
            one.platform: {
                p.name: (p.version, "compiled" if p.compiled else _tag(p.filename))
                for p in one.packages
            }
            for one in packages.platforms
        },
        len(packages.pure),
    )
    with console.capture() as captured:
        if table:
            console.print(table)
    return captured.get().removesuffix("\n")


def covered(coverage: Coverage) -> Group | Table | None:
    """The packages of a lock that are not one file for all platforms."""
    files = list(coverage.values())
    shared = set.intersection(*map(set, files)) if files else set[LockedFile]()
    pure = {file.name for file in shared if file.filename.endswith("-any.whl")}
    return _table(
        {
            platform: {f.name: (f.version, _word(f)) for f in files if f.name not in pure}
            for platform, files in coverage.items()
        },
        len(pure),
    )


def _table(cells: Cells, pure: int) -> Group | Table | None:
    names = sorted({name for packages in cells.values() for name in packages})
    if not names:
        return None
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("package", *cells):
        table.add_column(title)
    for name in names:
        table.add_row(*_row(name, [packages.get(name) for packages in cells.values()]))
    if not pure:
        return table
    # As a caption it would be wrapped to the table's width.
    return Group(
        table,
        f"and {pure} {'package' if pure == 1 else 'packages'} with one wheel for all platforms",
    )


def _row(name: str, files: Sequence[tuple[str, str] | None]) -> list[str]:
    versions = {file[0] for file in files if file}
    if len(versions) == 1:
        return [f"{name} {versions.pop()}", *(file[1] if file else "-" for file in files)]
    # A lock may pin one version here and another there, which is seldom meant.
    return [f"{name} (versions differ)", *(f"{f[0]} {f[1]}" if f else "-" for f in files)]


def _word(file: LockedFile) -> str:
    return _tag(file.filename) if file.kind == "wheel" else _WORDS[file.kind]


def _tag(filename: str) -> str:
    """The platform tag of a wheel (PEP 427), the last of several."""
    return filename.removesuffix(".whl").rpartition("-")[2].rpartition(".")[2]
