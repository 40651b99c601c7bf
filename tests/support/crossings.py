"""What `nox -s crossing` found out about each package, kept beside the page that shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

RECORDS = Path(__file__).parents[2] / "docs/explanation/cross-compiling.json"
ARM64 = "linux/arm64"
OTHER_PLATFORMS = ("linux/arm/v7", "linux/riscv64")
#: In how many times the native time a package has to cross-compile.
SLOWER = 1.5


@dataclass(frozen=True, slots=True)
class Crossing:
    """Seconds that the sources took on this machine's platform, and for another one on it.

    ``key``: what they were; ``processors``: of the machine; ``reason``: why they were emulated, if
    they were.
    """

    key: str
    sources: str
    native: float
    cross: float
    processors: int
    reason: str = ""

    @property
    def good(self) -> bool:
        """Tell whether it was cross-compiled, and fast."""
        return not self.reason and self.cross <= SLOWER * self.native


#: By platform and name of the package.
Crossings = Mapping[str, Mapping[str, Crossing]]


def kept() -> Crossings:
    """Return all that is known."""
    return {
        platform: {name: Crossing(**one) for name, one in found.items()}
        for platform, found in json.loads(RECORDS.read_text()).items()
    }


def keep(platform: str, name: str, crossing: Crossing) -> None:
    """Keep it for later runs, and for the page."""
    found = {**kept()}
    found[platform] = {**found.get(platform, {}), name: crossing}
    shown = {one: {key: asdict(c) for key, c in by.items()} for one, by in found.items()}
    new = RECORDS.with_name(f".{RECORDS.name}")
    new.write_text(json.dumps(shown, indent=1, sort_keys=True) + "\n")
    new.replace(RECORDS)
