"""Shape of what ``verify`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nox_buildkit.build.published import Verdict


@dataclass(frozen=True, slots=True)
class VerifyDocument:
    """The state of published images."""

    version: Literal[1]
    images: tuple[Verdict, ...]
