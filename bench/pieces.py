"""Cases that were measured already, so that a run can be cut off and resumed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.model import Case, case_of, case_to_json
from nox_buildkit.cache_entries import read_cached, write_cached
from nox_buildkit.files import cache_dir, private_dir, remove

_ROOT = Path(__file__).parents[1]
#: What changes a figure when it changes.
_SOURCES = ("plugin/**/*.py", "bench/**/*.py", "bench/dockerfiles/*", "examples/fastapi/**/*")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Kept cases of the same code, on the same machine, with the same options."""

    folder: Path

    @classmethod
    def of(cls, machine: Mapping[str, str], options: tuple[object, ...]) -> Pieces:
        """Find the folder for them."""
        stable = {name: value for name, value in machine.items() if name != "load before"}
        key = json.dumps([stable, options, _code()], sort_keys=True)
        name = hashlib.sha256(key.encode()).hexdigest()[:12]
        return cls(private_dir(cache_dir() / "bench") / f"pieces-{name}")

    def read(self, key: str) -> list[Case] | None:
        """Return what ``key`` of ``--case`` measured; None if it was not measured yet."""
        found: list[dict[str, Any]] | None = read_cached(self.folder / f"{key}.json")
        return None if found is None else [case_of(each) for each in found]

    def keep(self, key: str, cases: list[Case]) -> None:
        """Write down what ``key`` measured."""
        private_dir(self.folder)
        write_cached(self.folder / f"{key}.json", [case_to_json(each) for each in cases])

    def forget(self) -> None:
        """Remove all of them: a run begins, or has come to its end."""
        remove(self.folder)


def _code() -> str:
    found = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(_ROOT.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(_ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()
