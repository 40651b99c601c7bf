"""Statements about an image, stored beside it: buildx's ``--attest``."""

from __future__ import annotations

from dataclasses import dataclass

from nox_buildkit.engine.flags.fields import join, split, take


@dataclass(frozen=True, slots=True)
class Attestation:
    """An attestation of a ``type`` (provenance, sbom), made or ``disabled``."""

    type: str
    disabled: bool = False

    @classmethod
    def parse(cls, text: str) -> Attestation:
        """Read ``type=provenance,disabled=true``. Raises ValueError."""
        kind, disabled = take(split(text), "type", "disabled")
        if disabled not in ("true", "false"):
            raise ValueError(f"{text!r}: disabled is neither true nor false")
        return cls(kind, disabled == "true")

    def __str__(self) -> str:
        return join((("type", self.type), ("disabled", str(self.disabled).lower())))
