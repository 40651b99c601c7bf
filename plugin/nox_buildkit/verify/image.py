"""All checks of an image that start nothing: from its OCI layout, platform by platform."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from nox_buildkit.oci.content import Configuration, Descriptor, Manifest
from nox_buildkit.oci.layout import Layout
from nox_buildkit.oci.root_file_system import Tree
from nox_buildkit.plan.operations import LayerKind
from nox_buildkit.plan.packages import VENV
from nox_buildkit.plan.wheel_platforms import Libc
from nox_buildkit.verify.commands import unstartable
from nox_buildkit.verify.distributions import cuda_packages, installed, unlocked, unrecorded
from nox_buildkit.verify.layer_scan import LayerScan, scan
from nox_buildkit.verify.leaks import Needle, found_in_text
from nox_buildkit.verify.libraries import Findings as LoadFindings
from nox_buildkit.verify.libraries import examine, read_layers


@dataclass(frozen=True, slots=True)
class Expected:
    """An image as it was planned for one platform.

    ``packages``: name → version; ``layers``: its own, above those of the base, the lowest first;
    ``process``: values of its configuration (OCI image specification, config.md) that are stated;
    ``max_size``: compressed bytes, 0 for any; ``cuda``: whether CUDA was asked for.
    """

    packages: Mapping[str, str]
    layers: Sequence[LayerKind]
    libc: Libc
    process: Mapping[str, Any] = field(default_factory=dict)
    max_size: int = 0
    cuda: bool = False


_UNPLANNED: tuple[LayerKind, ...] = ("base",)

Severity = Literal["problem", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about the image of a platform; a warning may be of something that is no fault."""

    platform: str
    message: str
    severity: Severity = "problem"

    def __str__(self) -> str:
        return f"{self.platform}: {self.message}"


def verify_image(
    layout: Layout,
    digest: str,
    expected: Mapping[str, Expected],
    needles: Sequence[Needle] = (),
) -> tuple[Finding, ...]:
    """Check the index ``digest`` of ``layout``; ``expected``: by platform, none if not known.

    Raises OSError, ValueError for a layout that is not whole.
    """
    scans: dict[tuple[Path, str], LayerScan] = {}
    found: list[Finding] = []
    for descriptor, manifest in layout.images(digest):
        platform = str(descriptor.platform)
        one = _Image(layout, manifest, platform, expected.get(platform), needles, scans)
        found += one.findings()
    for descriptor in layout.index(digest).manifests:
        if descriptor.is_attestation:
            found += _attestation(layout, descriptor, needles)
    return (*found, *_platforms(layout, digest, expected))


def _platforms(layout: Layout, digest: str, expected: Mapping[str, Expected]) -> Iterator[Finding]:
    """Yield each platform that the index has too often, or that it should not have, or lacks."""
    there = Counter(str(descriptor.platform) for descriptor, _ in layout.images(digest))
    for platform, count in there.items():
        if count > 1:
            yield Finding(platform, f"the index has it {count} times")
        if expected and platform not in expected:
            yield Finding(platform, "the index has it, and the spec does not")
    for platform in expected:
        if platform not in there:
            yield Finding(platform, "the index does not have it")


def _attestation(
    layout: Layout, descriptor: Descriptor, needles: Sequence[Needle]
) -> Iterator[Finding]:
    for blob in layout.manifest(descriptor.digest).layers:
        text = layout.read(blob.digest).decode(errors="replace")
        for message in found_in_text("an attestation", text, needles):
            yield Finding("unknown/unknown", message)


@dataclass
class _Image:
    layout: Layout
    manifest: Manifest
    platform: str
    expected: Expected | None
    needles: Sequence[Needle]
    scans: dict[tuple[Path, str], LayerScan]

    @cached_property
    def configuration(self) -> Configuration:
        return self.layout.configuration(self.manifest)

    def findings(self) -> Iterator[Finding]:
        layers = list(self.layout.layers(self.manifest))
        # Layers of an image that was not planned here may be anybody's.
        kinds = self.expected.layers if self.expected else _UNPLANNED * len(layers)
        own = min(len(kinds), len(layers))
        try:
            read_layers(layers, own)
            tree = Tree(layers)
            scans = list(map(self._scanned, layers[len(layers) - own :], kinds[len(kinds) - own :]))
            loading = self._loading(layers, own)
        except tarfile.TarError as error:
            yield Finding(self.platform, f"a layer cannot be read: {error}")
            return
        for problem in self._problems(scans, tree, loading):
            yield Finding(self.platform, problem)
        for missing in loading.missing:
            # Many packages do without, and an import or a test proves whether this one does.
            message = f"{missing.name} is nowhere in the image; /{missing.needed_by[0]} needs it"
            yield Finding(self.platform, message, "warning")

    def _problems(
        self, scans: Sequence[LayerScan], tree: Tree, loading: LoadFindings
    ) -> Iterator[str]:
        configuration = self.configuration
        yield from (leak for layer in scans for leak in layer.leaks)
        yield from _metadata(configuration, self.manifest, self.needles)
        found = installed(scans, VENV)
        yield from unrecorded(found, scans, tree.entries)
        yield from loading.problems
        yield from _unstartable(tree, configuration.process)
        if self.expected:
            yield from unlocked(found, self.expected.packages)
            yield from self._planned(configuration.process, self.expected)
            if (cuda := cuda_packages(found)) and not self.expected.cuda:
                hint = "name an index with CPU builds, or set 'cuda: true'"
                yield f"it has CUDA, and nobody asked for it: {', '.join(cuda)}; {hint}"

    def _scanned(self, layer: Path, kind: LayerKind) -> LayerScan:
        # Layers that platforms share are read once.
        key = (layer, self._project(kind))
        if key not in self.scans:
            self.scans[key] = scan(layer, self.needles, key[1])
        return self.scans[key]

    def _project(self, kind: LayerKind) -> str:
        """Return the folder that the project's files are below in a layer; "" for none."""
        if self.expected:
            return "/" if kind == "app" else ""
        workdir = self.configuration.process.get("WorkingDir") or "/"
        return "" if workdir == "/" else str(workdir)

    def _loading(self, layers: Sequence[Path], own: int) -> LoadFindings:
        # Nothing is newer than a libc that is not known.
        libc = self.expected.libc if self.expected else Libc("glibc", (99, 0))
        cuda = self.expected.cuda if self.expected else False
        return examine(layers, own, self.platform, libc, cuda=cuda)

    def _planned(self, process: Mapping[str, Any], expected: Expected) -> Iterator[str]:
        for key, value in expected.process.items():
            if process.get(key) != value:
                shown = json.dumps(process.get(key))
                yield f"{key} is {shown}, and {json.dumps(value)} was planned"
        size = sum(layer.size for layer in self.manifest.layers)
        if expected.max_size and size > expected.max_size:
            yield f"it has {size} bytes, compressed, and 'max-size' is {expected.max_size}"


def _unstartable(tree: Tree, process: Mapping[str, Any]) -> Iterator[str]:
    command = [*(process.get("Entrypoint") or ()), *(process.get("Cmd") or ())]
    for each in unstartable(tree, process, command):
        if each.word == 0:
            yield each.sentence


def _metadata(
    configuration: Configuration, manifest: Manifest, needles: Sequence[Needle]
) -> Iterator[str]:
    yield from found_in_text("its history", json.dumps(configuration.history), needles)
    yield from found_in_text("its configuration", json.dumps(configuration.process), needles)
    yield from found_in_text("an annotation", json.dumps(dict(manifest.annotations)), needles)
