"""Progress that is remembered."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Told:
    """What was told: sentences, and how far each download was."""

    messages: list[str] = field(default_factory=list)
    transfers: list[tuple[str, int, int]] = field(default_factory=list)

    def message(self, text: str) -> None:
        self.messages.append(text)

    def transfer(self, name: str, done: int, total: int) -> None:
        self.transfers.append((name, done, total))
