"""Progress as lines: one for each image and platform, and below it what else goes on there."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.events.rows import Row
from nox_buildkit.engine.events.vertex import Vertex, VertexKind
from nox_buildkit.printable import shortened, visible
from nox_buildkit.report import figures, words
from nox_buildkit.report.bar import bar

#: Seconds after which a step's own last line is shown, and after which the step is told apart.
_QUIET, _SLOW = 3.0, 20.0
#: Bytes: nobody waits for fewer.
_MUCH = 1_000_000
_GAP = "  "
_BAR, _TIME = 16, len("10 min 00 s")
#: Columns for the words: with fewer, others give way; below the least, they have lines below.
_WORDS, _LEAST, _MOST = 34, 22, 48
#: So many lines below a row for what it does at the same time.
_MORE = 3
_WAITING, _NO_BREAK = "waiting", "\N{NO-BREAK SPACE}"
_ORDER = (VertexKind.STEP, VertexKind.EXPORT, VertexKind.CONTEXT, VertexKind.LINK)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one row; ``below`` can be done without."""

    row: tuple[Text, ...]
    below: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns: as many as fit in ``width``; ``fancy``: there is more than ASCII.

    ``images``, ``platforms``: widths of those columns; ``mark``: of rows that are under way;
    ``slow``: digest of the step that everything waits for.
    """

    width: int
    images: int
    platforms: int
    mark: str = "*"
    fancy: bool = True
    slow: str = ""
    words: int = field(init=False)
    count: int = field(init=False, default=0)
    bar: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        room = self.width - self.head - len(_GAP) * 2 - _TIME - 1
        long, short = len("10/12, 10 cached"), len("10/12")
        for count, width in ((long, _BAR), (short, _BAR), (long, 0), (short, 0), (0, 0)):
            left = room - sum(each + len(_GAP) for each in (count, width) if each)
            if left >= (_WORDS if count else _LEAST) or not count:
                break
        object.__setattr__(self, "words", min(left, _MOST))
        object.__setattr__(self, "count", count)
        object.__setattr__(self, "bar", width)

    @property
    def head(self) -> int:
        """The columns of mark, image and platform."""
        return 2 + self.images + 1 + self.platforms

    @property
    def stacked(self) -> bool:
        """Tell whether words have lines of their own."""
        return self.words < _LEAST

    def lines(self, progress: BuildProgress, row: Row, now: float) -> Lines:
        """Return the lines of ``row``."""
        shown, others = None, list[Vertex]()
        if row.failed:
            shown = row.failed
        elif row.running:
            shown, *others = _told_apart(sorted(row.running, key=lambda one: _rank(one, now)))
        first = self._columns(self._head(row), row, shown, progress, now)
        below = list[Text]()
        if shown and shown.running and shown.said and _since(shown, now) >= _QUIET:
            below.append(self._said(shown))
        for other in others[:_MORE]:
            below += self._columns(Text(" " * self.head), None, other, progress, now)
        if len(others) > _MORE:
            more = f"and {len(others) - _MORE} more"
            below.append(Text(f"{self._indent()}{more}", "dim"))
        return Lines(tuple(first), tuple(below))

    def _head(self, row: Row) -> Text:
        done, failed, stopped = "✓✗-" if self.fancy else "+x-"
        head = Text()
        if row.failed:
            head.append(failed, "bold red")
        elif row.running:
            head.append(self.mark or stopped, "green" if self.mark else "yellow")
        else:
            head.append(done if is_over(row) else " ", "green")
        head.append(" ").append(set_cell_size(row.image, self.images), "bold").append(" ")
        return head.append(set_cell_size(platform_of(row), self.platforms), "cyan")

    def _columns(
        self, head: Text, row: Row | None, shown: Vertex | None, progress: BuildProgress, now: float
    ) -> Iterator[Text]:
        """Yield a line, and further ones for words that need more than their column."""
        seconds = _since(shown, now) if shown else row.seconds(now) if row else 0.0
        style = "" if shown else "dim"
        if shown and (shown.failed or shown.digest == self.slow):
            style = "bold red" if shown.failed else "bold yellow"
        text = _words(progress, shown, now) if shown else _state(row)
        time = Text("" if text == _WAITING else figures.duration(seconds), style or "dim")
        if self.stacked:
            yield from _folded(head, self.width) if row else ()
            indent = self._indent()
            both = f"{text}, {time.plain.replace(' ', _NO_BREAK)}" if time.plain else text
            for each in _wrapped(both, max(8, self.width - len(indent))):
                yield Text(indent).append(each, style)
            return
        first, *rest = _wrapped(text, self.words)
        line = head.append(_GAP).append(set_cell_size(first, self.words), style)
        if self.bar:
            line.append(_GAP).append(self._bar(row, shown, now))
        if self.count:
            line.append(_GAP).append(_counted(row, self.count), "dim")
        line.append(_GAP).append(time.plain.rjust(_TIME), time.style)
        yield line
        for each in rest:
            yield Text(self._indent()).append(each, style)

    def _bar(self, row: Row | None, shown: Vertex | None, now: float) -> Text:
        """Return a bar of the bytes that are on their way, else of the steps."""
        amount = shown.amount(now) if shown and shown.running else None
        if amount and amount.total >= _MUCH:
            return bar(amount.current / amount.total, _BAR, "cyan", fancy=self.fancy)
        if row is None:
            return Text(" " * _BAR)
        over = row.count.cached + row.count.executed
        part = over / row.count.total if row.count.total else 0.0
        return bar(part, _BAR, "red" if row.failed else "green", fancy=self.fancy)

    def _said(self, vertex: Vertex) -> Text:
        indent = self._indent()
        # Of an output, which may be long and says little; the log has all of it.
        text = shortened(visible(" ".join(vertex.said.split())), 200)
        line = Text(indent).append(text, "dim")
        line.truncate(self.width - 1, overflow="ellipsis" if self.fancy else "crop")
        return line

    def _indent(self) -> str:
        return " " * (4 if self.stacked else self.head + len(_GAP))


def layout_of(rows: list[Row], now: float, width: int, mark: str, *, fancy: bool) -> Layout:
    """Return the columns for ``rows`` in a terminal of ``width`` columns."""
    images = max((cell_len(row.image) for row in rows), default=0)
    platforms = max((cell_len(platform_of(row)) for row in rows), default=0)
    running = [vertex for row in rows for vertex in row.running if _since(vertex, now) >= _SLOW]
    slow = min(running, key=lambda one: _rank(one, now)).digest if running else ""
    return Layout(width, images, platforms, mark, fancy, slow)


def platform_of(row: Row) -> str:
    """Return the platform of ``row``, or a word for several."""
    return row.platform or "shared"


def is_over(row: Row) -> bool:
    """Tell whether all steps of ``row`` are over."""
    return row.count.total == row.count.cached + row.count.executed


def _words(progress: BuildProgress, vertex: Vertex, now: float) -> str:
    text = words.step(vertex)
    if progress.emulated(vertex):
        text += ", emulated"
    amount = vertex.amount(now) if vertex.running else None
    if amount and max(amount.current, amount.total) < _MUCH:
        return text
    # A number stays with its unit.
    return f"{text}: {words.amount(amount).replace(' ', _NO_BREAK)}" if amount else text


def _wrapped(text: str, width: int) -> list[str]:
    return [line.replace(_NO_BREAK, " ") for line in textwrap.wrap(text, width)] or [""]


def _state(row: Row | None) -> str:
    return "done" if row and is_over(row) else _WAITING


def _counted(row: Row | None, width: int) -> str:
    if row is None or not row.count.total:
        return " " * width
    text = f"{row.count.cached + row.count.executed}/{row.count.total}"
    cached = f", {row.count.cached} cached" if row.count.cached else ""
    return (text + cached if len(text + cached) <= width else text).ljust(width)


def _told_apart(running: list[Vertex]) -> list[Vertex]:
    """Return one of each name: there are inputs for several steps, and one of them says it."""
    found: dict[str, Vertex] = {}
    for vertex in running:
        found.setdefault(words.step(vertex), vertex)
    return list(found.values())


def _since(vertex: Vertex, now: float) -> float:
    if vertex.began is None:
        return 0.0
    return (now if vertex.running or vertex.ended is None else vertex.ended) - vertex.began


def _rank(vertex: Vertex, now: float) -> tuple[int, bool, float]:
    """Sort what people wait for to the front: steps before bytes, and what runs longest."""
    kind = vertex.name.kind
    order = _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
    return order, not vertex.amount(now), vertex.began or 0.0


def _folded(text: Text, width: int) -> Iterator[Text]:
    while cell_len(text.plain) > width:
        text, rest = text.divide([width])
        yield text
        text = rest
    yield text
