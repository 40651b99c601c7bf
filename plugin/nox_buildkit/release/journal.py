"""The journal of a release: what is in which repository, written as soon as it is so.

It is for people, and for the next run, which trusts it only as far as the registry agrees.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from nox_buildkit import output_files
from nox_buildkit.files import write_atomic

NAME = output_files.JOURNAL
VERSION = 1

#: ``pushed``: all of it is there by digest; ``approved``: and attested and signed; ``tagged``: and
#: its tags name it.
State = Literal["pushed", "approved", "tagged"]


@dataclass(frozen=True, slots=True)
class Entry:
    """The index ``digest`` of ``image`` in a repository; ``tags``: those that were moved."""

    image: str
    digest: str
    state: State
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class Journal:
    """The journal in the file ``path``, by repository."""

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    def note(self, repository: str, entry: Entry) -> None:
        """Write what is in ``repository`` now."""
        self.entries[repository] = entry
        listed = {name: asdict(each) for name, each in self.entries.items()}
        text = json.dumps({"version": VERSION, "repositories": listed}, indent=2)
        write_atomic(self.path, f"{text}\n")
