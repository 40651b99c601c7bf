"""Statements about an image, stored beside it: buildx's ``--attest``."""

from __future__ import annotations

from dataclasses import dataclass

from nox_buildkit.engine.flags.fields import Fields, join, split, take


@dataclass(frozen=True, slots=True)
class Attestation:
    """An attestation of a ``type`` (provenance, sbom), made or ``disabled``.

    ``attributes``: further ones, such as the mode and the version of a provenance.
    """

    type: str
    disabled: bool = False
    attributes: Fields = ()

    @classmethod
    def parse(cls, text: str) -> Attestation:
        """Read ``type=provenance,disabled=true``. Raises ValueError."""
        fields = split(text)
        own = tuple(field for field in fields if field[0] in ("type", "disabled"))
        kind, disabled = take(own, "type", "disabled")
        if disabled not in ("true", "false"):
            raise ValueError(f"{text!r}: disabled is neither true nor false")
        return cls(kind, disabled == "true", tuple(field for field in fields if field not in own))

    def __str__(self) -> str:
        own = (("type", self.type), ("disabled", str(self.disabled).lower()))
        return join((*own, *self.attributes))

    @classmethod
    def provenance(cls, mode: str) -> Attestation:
        """Provenance by SLSA v1 in ``mode`` min or max."""
        return cls("provenance", False, (("mode", mode), ("version", "v1")))
