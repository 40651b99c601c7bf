"""A repository of a registry that speaks the distribution protocol.

Source: OCI distribution specification 1.1.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from requests import RequestException, Response

from nox_buildkit.errors import Code
from nox_buildkit.files import replacing
from nox_buildkit.oci.content import DOCKER_INDEX, INDEX, MANIFEST, Descriptor, Index
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.release.counted_file import Sent, nobody
from nox_buildkit.release.repository import RegistryError
from nox_buildkit.release.transport import Transport, unreached

_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_ACCEPT = ", ".join((INDEX, MANIFEST, DOCKER_INDEX, _DOCKER_MANIFEST))
_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404
#: Of a mount; a blob can be uploaded just as well.
_REFUSED = (400, 401, 403, 404, 405)


@dataclass(frozen=True, slots=True)
class HttpRepository:
    """The repository ``path`` behind ``transport``."""

    transport: Transport
    path: str

    @classmethod
    def open(cls, name: str, report: Progress = SILENT) -> HttpRepository:
        """Return the repository ``name``; nothing is asked yet."""
        reference = ImageReference.parse(name)
        return cls(Transport(reference.registry, report), reference.path)

    @property
    def name(self) -> str:
        return f"{self.transport.host}/{self.path}"

    def resolve(self, reference: str) -> Descriptor | None:
        path, accept = self._manifest(reference), {"Accept": _ACCEPT}
        response = self.transport.request("HEAD", path, headers=accept, accepted=(_OK, _NOT_FOUND))
        if response.status_code == _NOT_FOUND:
            return None
        kind = response.headers.get("Content-Type", "")
        digest, size = map(response.headers.get, ("Docker-Content-Digest", "Content-Length"))
        if digest and size:
            return Descriptor(kind, digest, int(size))
        # A registry need not say it of a HEAD.
        content = self.manifest(reference)
        return Descriptor(kind, _digest(content), len(content))

    def manifest(self, reference: str) -> bytes:
        path, accept = self._manifest(reference), {"Accept": _ACCEPT}
        content = self.transport.request("GET", path, headers=accept, accepted=(_OK,)).content
        if ":" in reference and _digest(content) != reference:
            raise RegistryError(Code.REGISTRY(_other(f"{self.name}@{reference}")))
        return content

    def read_blob(self, digest: str, target: Path) -> None:
        self.transport.patiently(lambda: self._read_blob(digest, target))

    def _read_blob(self, digest: str, target: Path) -> None:
        found = hashlib.sha256()
        request = partial(self.transport.request_once, accepted=(_OK,), stream=True)
        with (
            request("GET", self._blob(digest)) as response,
            replacing(target) as temporary,
            temporary.open("wb") as stream,
        ):
            try:
                for chunk in response.iter_content(1 << 20):
                    found.update(chunk)
                    stream.write(chunk)
            except RequestException as error:
                raise RegistryError(unreached(self.transport.host, error)) from None
            if f"sha256:{found.hexdigest()}" != digest:
                raise RegistryError(Code.REGISTRY(_other(f"{self.name}@{digest}")))

    def has_blob(self, digest: str) -> bool:
        response = self.transport.request("HEAD", self._blob(digest), accepted=(_OK, _NOT_FOUND))
        return response.status_code == _OK

    def mount(self, digest: str, source: str) -> bool:
        params = {"mount": digest, "from": ImageReference.parse(source).path}
        response = self.transport.request(
            "POST", self._uploads, params=params, accepted=(_CREATED, _ACCEPTED, *_REFUSED)
        )
        if response.status_code != _ACCEPTED:
            # Whoever may write here need not be allowed to read there.
            return response.status_code == _CREATED
        # It began an upload instead; one that is not ended ends by itself some day.
        with contextlib.suppress(RegistryError):
            place = response.headers.get("Location", "")
            self.transport.request_once("DELETE", place, accepted=(_OK, 204, _NOT_FOUND))
        return False

    def put_blob(self, digest: str, content: Path | bytes, sent: Sent = nobody) -> None:
        self.transport.patiently(lambda: self._put_blob(digest, content, sent))

    def _put_blob(self, digest: str, content: Path | bytes, sent: Sent) -> None:
        # One that failed may have left a part behind: each attempt is an upload of its own.
        begun = self.transport.request_once("POST", self._uploads, accepted=(_ACCEPTED,))
        self.transport.request_once(
            "PUT",
            begun.headers.get("Location", ""),
            params={"digest": digest},
            headers={"Content-Type": "application/octet-stream"},
            content=content,
            sent=sent,
            accepted=(_CREATED,),
        )

    def put_manifest(self, content: bytes, media_type: str, reference: str) -> str:
        self.transport.request(
            "PUT",
            self._manifest(reference),
            headers={"Content-Type": media_type},
            content=content,
            accepted=(_CREATED,),
        )
        return _digest(content)

    def tags(self) -> tuple[str, ...]:
        found: list[str] = []
        path = f"/v2/{self.path}/tags/list"
        while path:
            response = self.transport.request("GET", path, accepted=(_OK, _NOT_FOUND))
            if response.status_code == _NOT_FOUND:
                break
            found += _tags(response)
            path = response.links.get("next", {}).get("url", "")
        return tuple(found)

    def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        path = f"/v2/{self.path}/referrers/{digest}"
        response = self.transport.request("GET", path, accepted=(_OK, _NOT_FOUND))
        return Index.parse(response.content).manifests if response.status_code == _OK else None

    @property
    def _uploads(self) -> str:
        return f"/v2/{self.path}/blobs/uploads/"

    def _manifest(self, reference: str) -> str:
        return f"/v2/{self.path}/manifests/{reference}"

    def _blob(self, digest: str) -> str:
        return f"/v2/{self.path}/blobs/{digest}"


def repositories(report: Progress) -> Callable[[str], HttpRepository]:
    """Return a function that opens repositories, each of them once."""

    @cache
    def open_repository(name: str) -> HttpRepository:
        return HttpRepository.open(name, report)

    return open_repository


def _tags(response: Response) -> list[str]:
    try:
        return list(map(str, response.json().get("tags") or []))
    except (ValueError, AttributeError, TypeError):
        raise RegistryError(
            Code.REGISTRY(f"{response.url} answers with something that is no list")
        ) from None


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _other(reference: str) -> str:
    return f"{reference} is not what the registry sends for it"
