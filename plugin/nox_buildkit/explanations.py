"""Longer words about each code of errors: what it means, and what to do."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from nox_buildkit.errors import Code


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code in words: one sentence as ``title``, and ``text`` in Markdown."""

    code: str
    title: str
    text: str

    @property
    def page(self) -> str:
        """The page of the documentation, in Markdown."""
        status = Code(self.code).exit_status
        return f"# {self.code}: {self.title}\n\n{self.text.strip()}\n\nExit status: {status}\n"


def explanations() -> dict[str, Explanation]:
    """Return the explanation of every code, by the code and in their order."""
    source = files("nox_buildkit").joinpath("explanations.toml").read_text(encoding="utf-8")
    return {
        code: Explanation(code, str(each["title"]), str(each["text"]))
        for code, each in tomllib.loads(source).items()
    }
