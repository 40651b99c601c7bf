"""The keys of signatures and attestations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nox_buildkit.buildspec.model.field_types import InnerPath, Text, Unique
from nox_buildkit.buildspec.model.strict import Strict
from nox_buildkit.buildspec.text import Invalid


class Signing(Strict):
    """Signatures of a release, by cosign: with a key, or with the identity of whoever runs it."""

    key: Text | None = Field(
        default=None,
        description="Private key: a file, `env://NAME`, or the address of a key service. "
        "COSIGN_PASSWORD has its password. When left out: the identity that a CI system gives.",
        examples=["cosign.key", "env://COSIGN_PRIVATE_KEY"],
    )
    public_key: Text | None = Field(
        default=None,
        description="Public key that belongs to it, so that nothing is signed twice.",
        examples=["cosign.pub"],
    )
    identity: Text | None = Field(
        default=None,
        description="Regular expression of the identities that may sign, without a key.",
        examples=["https://github.com/octocat/.*"],
    )
    issuer: Text | None = Field(
        default=None,
        description="Address of the service that confirms identities.",
        examples=["https://token.actions.githubusercontent.com"],
    )
    transparency_log: bool = Field(
        default=False,
        description="Whether signatures made with a key go to the public transparency log; those "
        "of an identity always do.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _names_a_signer(self) -> Signing:
        if not self.key and not (self.identity and self.issuer):
            message = "nobody is named who signs"
            raise Invalid(message, "add 'key', or 'identity' and 'issuer'")
        return self


class Attestations(Strict):
    """Statements about an image, stored beside it."""

    sbom: bool = Field(
        default=True,
        description="Software bill of materials: the locked packages and those of the base.",
        examples=[False],
    )
    provenance: Literal["min", "max", "none"] = Field(
        default="max",
        description="Description of the build, by BuildKit (SLSA).",
        examples=["none"],
    )
    vex: Unique[InnerPath] = Field(
        default=(),
        description="OpenVEX documents, relative to the spec, that are attested with the index. "
        "Needs `sign`.",
        examples=[["vex.json"]],
    )
    form: Literal["oci-artifact", "image"] | None = Field(
        default=None,
        description="Form of attestations: OCI artifacts, which refer to their image, or the older "
        "form. When left out: the first, if the registry takes it (`nox -s doctor`).",
        examples=["oci-artifact"],
    )
