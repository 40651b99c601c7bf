"""Images put into an image store that takes no index: one platform, as `docker save` writes it.

buildx exports an index to every driver but `docker`, and a dockerd without the containerd image
store refuses that.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from nox_buildkit.build.exported import Exported
from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.suitable import has_store
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import scratch
from nox_buildkit.oci.content import Manifest
from nox_buildkit.oci.layout import Layout
from nox_buildkit.oci.platform import Platform
from nox_buildkit.plan.image import ImagePlan

#: The first dockerd that does.
_READS_ZSTD = 23
#: For one image, which may be large.
_SECONDS = 1800


def takes_index(engine: Engine) -> bool:
    """Tell whether the image store takes what buildx exports to it. Raises EngineError."""
    return engine.driver == "docker" or has_store(inspection.daemon(engine.docker))


def require_reader(client: Docker, images: Sequence[ImagePlan]) -> None:
    """Refuse layers of zstd for a dockerd that cannot unpack them. Raises EngineError.

    Source: Docker Engine 23.0, release notes.
    """
    names = [image.name for image in images if image.compression == "zstd"]
    version = inspection.daemon(client).version if names else ""
    major = re.match(r"\d+", version)
    if major and int(major[0]) < _READS_ZSTD:
        message = f"dockerd {version} does not read layers of zstd, which {', '.join(names)} has"
        hint = f"take Docker {_READS_ZSTD} or newer, or leave 'compression' out"
        raise EngineError(Code.BUILDER(message, hint))


def load_alone(engine: Engine, made: Sequence[Exported], tell: Callable[[str], None]) -> None:
    """Load one platform of each image, the daemon's if it is there, into a store without indexes.

    Raises EngineError.
    """
    if not made or takes_index(engine):
        return
    own = str(Platform.parse(str(inspection.daemon(engine.docker).architecture)))
    for one in made:
        every = one.image.every_platform
        platform = own if own in every else every[0]
        manifests = {
            str(found.platform): manifest for found, manifest in one.layout.images(one.digest)
        }
        with scratch(one.layout.folder.parent, ".load-") as folder:
            archive = folder / "image.tar"
            _write(archive, one.layout, manifests[platform], one.image.references)
            inspection.ask(engine.docker, "load", "--input", str(archive), seconds=_SECONDS)
        if len(every) > 1:
            tell(f"{one.image.name}: loaded for {platform} alone, since this dockerd holds no more")


def _write(archive: Path, layout: Layout, manifest: Manifest, references: tuple[str, ...]) -> None:
    """Write the archive of an image (moby/docker-image-spec, spec.md, manifest.json)."""
    blobs = [layout.path(manifest.config.digest), *layout.layers(manifest)]
    names = [path.relative_to(layout.folder).as_posix() for path in blobs]
    content = {"Config": names[0], "RepoTags": list(references), "Layers": names[1:]}
    with tarfile.open(archive, "w") as tar:
        text = json.dumps([content]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
        # Layers that are equal, such as empty ones, are one file.
        for name, path in dict(zip(names, blobs, strict=True)).items():
            tar.add(path, name)
