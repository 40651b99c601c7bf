"""One pass over a layer: hashes of its files, installed distributions, and what it should not have.

Sources: PyPA, "Recording installed projects" (dist-info, RECORD, direct_url.json).
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path

from nox_buildkit.oci.installed_files import recorded_files
from nox_buildkit.oci.layer_archive import open_layer, path_of
from nox_buildkit.verify.leaks import Needle, credential_file, found_in, has_password

_DIST_INFO = re.compile(r".*/site-packages/[^/]+\.dist-info")


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution: ``folder``: its dist-info; ``record``: path → hash of a file."""

    folder: str
    name: str
    version: str
    record: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LayerScan:
    """The regular files of a layer by absolute path, each with its SHA-256 as RECORD writes it.

    ``leaks``: sentences, each about a path and without the secret.
    """

    hashes: dict[str, str]
    distributions: tuple[Distribution, ...]
    leaks: tuple[str, ...]


def scan(layer: Path, needles: Sequence[Needle], project: str) -> LayerScan:
    """Read a compressed layer; ``project``: the folder of the project's files in it, or "".

    Raises OSError, tarfile.TarError.
    """
    hashes: dict[str, str] = {}
    headers: dict[str, bytes] = {}
    records: dict[str, bytes] = {}
    leaks: list[str] = []
    with open_layer(layer) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is None:
                continue
            path, content = path_of(member), stream.read()
            hashes[path] = _hash(content)
            leaks += (f"{path} {why}" for why in found_in(content, path, needles))
            if has_password(content, path, project):
                leaks.append(f"{path} contains an address with a password")
            if why := credential_file(path, content):
                leaks.append(f"{path} {why}")
            folder, name = posixpath.split(path)
            if _DIST_INFO.fullmatch(folder) and name == "METADATA":
                headers[folder] = content
            elif _DIST_INFO.fullmatch(folder) and name == "RECORD":
                records[folder] = content
    found = tuple(_distribution(f, headers[f], records.get(f, b"")) for f in sorted(headers))
    return LayerScan(hashes, found, tuple(leaks))


def _hash(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _distribution(folder: str, metadata: bytes, record: bytes) -> Distribution:
    fields = BytesHeaderParser().parsebytes(metadata)
    hashes = {
        path: digest.removeprefix("sha256=").rstrip("=")
        for path, digest in recorded_files(folder, record)
        if digest.startswith("sha256=")
    }
    return Distribution(folder, str(fields["Name"]), str(fields["Version"]), hashes)
