"""Images as single files: an OCI layout in a tar file, written and recognised."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nox_buildkit.errors import BuildError, Code
from nox_buildkit.files import replacing
from nox_buildkit.oci.content import Descriptor, Index
from nox_buildkit.oci.layout import MARK, MARK_TEXT, Layout
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.results.model import Archive

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: containerd's name for the reference that an image is imported under.
IMAGE_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
#: Bytes that are copied at once.
_BUFFER = 1 << 20
#: Packs an image of a layout, with the references that it has, into a file.
Pack = Callable[[Layout, str, tuple[str, ...], Path], Archive]

_LAYOUT = re.compile(r"oci-layout|index\.json|blobs/[a-z0-9]+/[0-9a-f]+")


class _Hashed(io.RawIOBase):
    """A stream that is written to ``file``, and hashed on the way."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = 0
        self.found = hashlib.sha256()

    def write(self, content: Buffer, /) -> int:
        self.found.update(content)
        self.size += len(memoryview(content))
        return self.file.write(content)

    def tell(self) -> int:
        return self.size


@contextlib.contextmanager
def packing() -> Iterator[Pack]:
    """Yield what packs images; their files take their places together, if the block succeeds.

    Raises BuildError.
    """
    with contextlib.ExitStack() as written:
        yield partial(_pack, written)
        try:
            written.close()
        except OSError as error:
            raise _unwritable(error.filename2 or error.filename, error) from None


def _pack(
    written: contextlib.ExitStack,
    layout: Layout,
    digest: str,
    references: tuple[str, ...],
    target: Path,
) -> Archive:
    """Write the image ``digest`` of ``layout`` to the tar file ``target``.

    Only what the image refers to goes in; the same image gives the same bytes. The index comes
    first, so that a reader of the file need not search for it. Raises BuildError.
    """
    entry = Descriptor(layout.index(digest).media_type, digest, layout.path(digest).stat().st_size)
    # An entry a tag: an image is loaded under each of them.
    entries = tuple(
        replace(entry, annotations={IMAGE_NAME: str(reference), REF_NAME: reference.tag})
        for reference in map(ImageReference.parse, references)
    )
    # An image without a tag is there all the same.
    entries = entries or (entry,)
    try:
        temporary = written.enter_context(replacing(target))
        with temporary.open("wb") as file:
            hashed = _Hashed(file)
            with tarfile.TarFile(fileobj=hashed, mode="w", copybufsize=_BUFFER) as tar:
                _add(tar, "index.json", Index(entries).to_bytes())
                _add(tar, MARK, MARK_TEXT)
                for name in sorted(layout.reachable(digest)):
                    path = layout.path(name)
                    info = tarfile.TarInfo(path.relative_to(layout.folder).as_posix())
                    info.size, info.mode = path.stat().st_size, 0o444
                    with path.open("rb") as stream:
                        tar.addfile(info, stream)
        return Archive(hashed.size, hashed.found.hexdigest())
    except OSError as error:
        raise _unwritable(target, error) from None


def unpack(target: Path, folder: Path) -> Layout:
    """Write the OCI layout in the tar file ``target`` into ``folder``, and nothing else.

    Raises OSError, tarfile.TarError.
    """
    with tarfile.open(target) as tar:
        for member in tar:
            stream = tar.extractfile(member) if _LAYOUT.fullmatch(member.name) else None
            if stream:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    shutil.copyfileobj(stream, file)
    return Layout(folder)


def _unwritable(target: Path | str, error: OSError) -> BuildError:
    return BuildError(Code.OUTPUT(f"{target} cannot be written: {error.strerror}"))


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o444
    tar.addfile(info, io.BytesIO(content))
