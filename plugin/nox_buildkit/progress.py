"""The progress of functions that take a while."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Somebody who hears what is going on."""

    def message(self, text: str) -> None:
        """Hear a sentence."""

    def transfer(self, name: str, done: int, total: int) -> None:
        """Hear that ``done`` of ``total`` bytes of ``name`` are downloaded."""


class _Silent:
    def message(self, text: str) -> None:
        pass

    def transfer(self, name: str, done: int, total: int) -> None:
        pass


#: Nobody hears.
SILENT: Progress = _Silent()
