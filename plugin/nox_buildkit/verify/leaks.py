"""Traces of the machine that built an image: credentials, certificates, addresses of indexes."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

#: Shorter values are found everywhere by chance.
_SHORTEST = 6

_CREDENTIAL_FILES = {
    ".netrc", "_netrc", ".pypirc", ".git-credentials", "id_rsa", "id_ed25519", "id_ecdsa",
}  # fmt: skip
_CREDENTIAL_PATHS = ("/.docker/config.json", "/.aws/credentials", "/.config/gcloud/credentials.db")
_SETTINGS = ("pip.conf", "uv.toml", ".npmrc")
_INDEX_OR_TOKEN = re.compile(rb"(?m)^\s*(?:extra-)?index-url\s*=|_authToken\s*=")
_URL_WITH_PASSWORD = re.compile(rb"https?://[^\s/:@'\"<>{}$]+:([^\s/@'\"<>{}$]{4,})@[\w.-]+")
_OF_INSTALLERS = ("direct_url.json", "RECORD", "uv_cache.json")
#: Not worth a look: no settings of a text file are as large.
_LARGEST_TEXT = 1 << 20


#: In all, in what installers write about packages, or in the image's metadata.
Place = Literal["everywhere", "installers", "metadata"]


@dataclass(frozen=True, slots=True)
class Needle:
    """Bytes that must not be ``where`` in an image; ``what``: a name for them."""

    what: str
    content: bytes = field(repr=False)
    where: Place = "everywhere"


def needles_for(
    secrets: Iterable[str], indexes: Iterable[str], certificates: Iterable[bytes]
) -> tuple[Needle, ...]:
    """Return what to look for: ``secrets`` in plain and in Base64 (RFC 7617), and the rest as is.

    ``indexes``: host and path of each; ``certificates``: bodies of PEM files.
    """
    found = []
    for secret in dict.fromkeys(secrets):
        raw = secret.encode()
        if len(raw) >= _SHORTEST:
            found.append(Needle("a credential of the build", raw))
            found.append(Needle("a credential of the build", base64.b64encode(raw)))
    for index in indexes:
        # Sources and packages may name an index on purpose, and a repository may be on its host.
        found.append(Needle("the index", index.partition("/")[0].encode(), "installers"))
        found.append(Needle("the index", index.encode(), "metadata"))
    found += (Needle("a certificate of this machine", each) for each in certificates)
    return tuple(found)


def found_in(content: bytes, path: str, needles: Sequence[Needle]) -> Iterator[str]:
    """Yield what ``content`` of the file ``path`` has that it must not have, and no secret."""
    places: list[Place] = ["everywhere"]
    if _is_of_installer(path):
        places.append("installers")
    yield from (f"contains {what}" for what in _hits(content, needles, places))


def _hits(content: bytes, needles: Sequence[Needle], places: Sequence[Place]) -> dict[str, None]:
    sought = (needle for needle in needles if needle.where in places)
    return dict.fromkeys(needle.what for needle in sought if needle.content in content)


def has_password(content: bytes, path: str, project: str) -> bool:
    """Tell whether the file ``path`` has an address with a password.

    ``project``: the folder that files of the project are below in its layer; "" for none.
    """
    # Packages, also those of Debian, are full of examples; what installers write about them is not.
    below = bool(project) and path.startswith(f"{project.rstrip('/')}/")
    looked = _is_of_installer(path) or (below and "/site-packages/" not in path)
    return looked and len(content) < _LARGEST_TEXT and bool(_URL_WITH_PASSWORD.search(content))


def _is_of_installer(path: str) -> bool:
    """Tell whether installers write the file, and it is of no package (PEP 376, PEP 610)."""
    folder, name = posixpath.split(path)
    return folder.endswith(".dist-info") and name in _OF_INSTALLERS


def credential_file(path: str, content: bytes) -> str:
    """Say why the file ``path`` looks like one that holds credentials; empty if it does not."""
    name = posixpath.basename(path)
    if name in _CREDENTIAL_FILES or path.endswith(_CREDENTIAL_PATHS):
        return "is a file for credentials"
    if name in _SETTINGS and _INDEX_OR_TOKEN.search(content):
        return "names an index or a token"
    return ""


def found_in_text(where: str, text: str, needles: Sequence[Needle]) -> Iterator[str]:
    """Yield the same for a text of the image's metadata, which holds nothing of an index."""
    content = text.encode()
    for what in _hits(content, needles, ("everywhere", "metadata")):
        yield f"{where} contains {what}"
    if _URL_WITH_PASSWORD.search(content):
        yield f"{where} contains an address with a password"
