"""nox -s resolve: files for deployment, with the digests of the last release."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nox_buildkit.build import records
from nox_buildkit.documents.sessions import ResolvedFile, ResolveDocument
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.release.resolve import resolve
from nox_buildkit.report.json_output import print_json
from nox_buildkit.results import record
from nox_buildkit.results.model import ImageResult


def run(buildspec: Path, arguments: argparse.Namespace) -> None:
    """Print the files, resolved, as one stream of YAML documents. Raises ReleaseError."""
    path = arguments.output.absolute() / record.RELEASE
    known = records.read(path)
    if not known:
        message = f"{path} tells of no release"
        raise ReleaseError(
            Code.NOTHING_TO_RELEASE(message, "run 'nox -s release', or copy its release.json there")
        )
    released = references(each.result for each in known.values())
    texts = []
    for file in arguments.files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            message = f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"
            raise ReleaseError(Code.MANIFEST_FILE(message)) from None
        texts.append(resolve(str(file), text, released))
    if arguments.json:
        files = (ResolvedFile(str(f), t) for f, t in zip(arguments.files, texts, strict=True))
        print_json(ResolveDocument(1, tuple(files), released))
        return
    # YAML is UTF-8, whatever standard output is for people.
    sys.stdout.buffer.write("".join(_stream(texts)).encode())


def _stream(texts: Sequence[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        # A file need not begin, or end, as a document does.
        if number and not text.startswith("---"):
            yield "---\n"
        yield text if text.endswith("\n") else f"{text}\n"


def references(results: Iterable[ImageResult]) -> dict[str, str]:
    """Return what image names and repositories stand for in a release."""
    return dict(_references(results))


def _references(results: Iterable[ImageResult]) -> Iterator[tuple[str, str]]:
    for result in results:
        for number, each in enumerate(result.publications):
            reference = f"{each.repository}@{each.digest}"
            if not number:
                yield result.name, reference
            yield each.repository, reference
