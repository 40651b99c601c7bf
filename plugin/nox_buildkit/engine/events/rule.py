"""Rules that recognise a cause of a failed bake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nox_buildkit.errors import Code


@dataclass(frozen=True, slots=True)
class Rule:
    """A known cause. ``where``: what the step wrote, or what BuildKit and buildx said.

    ``message`` and ``hint`` are formats over the pattern's groups and ``platform``; the group
    ``debian`` is a name of the spec.
    """

    name: str
    where: Literal["log", "error", "any"]
    pattern: re.Pattern[str]
    message: str
    hint: str
    code: Code


def rule(
    name: str,
    where: Literal["log", "error", "any"],
    pattern: str,
    message: str,
    hint: str,
    *,
    code: Code,
) -> Rule:
    """Return the rule of a ``pattern``; see Rule."""
    return Rule(name, where, re.compile(pattern), message, hint, code)
