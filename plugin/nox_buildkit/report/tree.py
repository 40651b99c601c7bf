"""Trees of lines for people, written fast: a plan of 200 images has 13,000 lines.

rich's own tree renders every line once for each of its levels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from nox_buildkit.report.console import say

#: Before a branch and below it, and the same of the last one.
_UNICODE = ("├── ", "│   ", "└── ", "    ")
_ASCII = ("+-- ", "|   ", "`-- ", "    ")


@dataclass(frozen=True, slots=True)
class Tree:
    """A line, and the lines below it."""

    text: str
    branches: list[Tree] = field(default_factory=list)

    def add(self, text: str) -> Tree:
        """Add a line below, and return it."""
        branch = Tree(text)
        self.branches.append(branch)
        return branch

    def print(self, console: Console) -> None:
        """Print it; what is wider than ``console`` goes on below itself."""
        guides = _UNICODE if console.encoding.startswith("utf") else _ASCII
        lines = self._lines(console, console.width, guides, ("", ""))
        # rich would make a Text of each line.
        say("\n".join(lines), console.file)

    def _lines(
        self, console: Console, width: int, guides: tuple[str, ...], leads: tuple[str, str]
    ) -> Iterator[str]:
        before, below = leads
        first, *rest = _wrapped(console, self.text, width - len(before))
        inner = f"{below}{guides[1] if self.branches else guides[3]}"
        yield before + first
        yield from (inner + line for line in rest)
        for number, branch in enumerate(self.branches, 1):
            mark, lead = guides[2:] if number == len(self.branches) else guides[:2]
            yield from branch._lines(console, width, guides, (below + mark, below + lead))


def _wrapped(console: Console, text: str, width: int) -> list[str]:
    if cell_len(text) <= width and "\n" not in text:
        return [text]
    # Room for the marks of what goes on below.
    return [str(line).rstrip() for line in Text(text).wrap(console, max(width - 4, 10))] or [""]
