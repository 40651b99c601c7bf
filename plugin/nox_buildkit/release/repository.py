"""The one interface to a repository of a registry, whatever speaks to it.

Source: OCI distribution specification 1.1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from nox_buildkit.errors import EngineError
from nox_buildkit.oci.content import Descriptor
from nox_buildkit.release.counted_file import Sent, nobody


class RegistryError(EngineError):
    """A registry refuses, fails, or does not answer."""


class Repository(Protocol):
    """A repository. Every method raises RegistryError if the registry does not do its part."""

    @property
    def name(self) -> str:
        """The name in full: ``ghcr.io/octocat/api``."""

    def resolve(self, reference: str) -> Descriptor | None:
        """Return what the tag or digest ``reference`` names; None if it names nothing."""

    def manifest(self, reference: str) -> bytes:
        """Return the manifest or index ``reference``, checked against its digest."""

    def read_blob(self, digest: str, target: Path) -> None:
        """Write the blob ``digest``, checked, to the file ``target``."""

    def has_blob(self, digest: str) -> bool:
        """Tell whether the blob ``digest`` is there."""

    def mount(self, digest: str, source: str) -> bool:
        """Take the blob over from the repository ``source`` of the same registry, if it can."""

    def put_blob(self, digest: str, content: Path | bytes, sent: Sent = nobody) -> None:
        """Upload a blob; ``sent`` hears how much of a file is sent."""

    def put_manifest(self, content: bytes, media_type: str, reference: str) -> str:
        """Write a manifest or an index as the tag or digest ``reference``; return its digest."""

    def tags(self) -> tuple[str, ...]:
        """Return all tags; none if there is no such repository yet."""

    def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        """Return what refers to the manifest ``digest``; None without the referrers API."""
