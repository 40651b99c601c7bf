"""What `nox -s crossing` found out about each package, kept in build/crossing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "build" / "crossing"
ARM64 = "linux/arm64"
OTHER_PLATFORMS = ("linux/arm/v7", "linux/riscv64")
#: In how many times the native time a package has to cross-compile.
SLOWER = 1.5


@dataclass(frozen=True, slots=True)
class Crossing:
    """Seconds that the sources took on this machine's platform, and for another one on it.

    ``key``: what they were; ``reason``: why they were emulated, if they were.
    """

    key: str
    sources: str
    native: float
    cross: float
    reason: str = ""

    @property
    def good(self) -> bool:
        """Tell whether it was cross-compiled, and fast."""
        return not self.reason and self.cross <= SLOWER * self.native

    def keep(self, platform: str, name: str) -> None:
        """Keep it for later runs."""
        place = _place(platform, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(asdict(self)))


def kept(platform: str, name: str) -> Crossing | None:
    """Return what is known of the package ``name``."""
    path = _place(platform, name)
    return Crossing(**json.loads(path.read_text())) if path.is_file() else None


def _place(platform: str, name: str) -> Path:
    return FOLDER / platform / f"{name}.json"
