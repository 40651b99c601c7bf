"""Images of a registry, resolved through buildx with the user's credentials."""

from __future__ import annotations

import hashlib

from nox_buildkit.engine.client import Docker, answer
from nox_buildkit.engine.events.diagnose import explain_base
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.oci.content import Configuration, Index, is_index
from nox_buildkit.oci.references import ImageReference
from nox_buildkit.oci.resolved import ResolvedImage

#: A manifest is small: whoever needs longer for it does not answer.
SECONDS = 60


def inspect(client: Docker, reference: str) -> ResolvedImage:
    """Resolve ``reference``. Raises EngineError if it is not there or cannot be asked for."""
    # python-on-whales parses the manifest, and the digest is that of its exact bytes.
    raw = _imagetools(client, reference, "--raw")
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    try:
        if is_index(raw):
            found = [image.platform for image in Index.parse(raw).images]
        else:
            image = _imagetools(client, reference, "--format", "{{json .Image}}")
            found = [Configuration.parse(image).platform]
    except ValueError as error:
        raise EngineError(
            Code.BASE_IMAGE(f"{reference} is not an image: its manifest is {error}")
        ) from None
    return ResolvedImage(digest, frozenset(str(p) for p in found if p and p.known))


def _imagetools(client: Docker, reference: str, *options: str) -> bytes:
    arguments = ("buildx", "imagetools", "inspect", *options, reference)
    host = ImageReference.parse(reference).registry
    done = answer(client, arguments, f"the registry {host} ({reference})", seconds=SECONDS)
    if done.returncode:
        message = done.errors.strip().removeprefix("ERROR: ")
        raise EngineError(explain_base(reference, message))
    return done.stdout
