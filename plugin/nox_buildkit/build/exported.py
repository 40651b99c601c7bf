"""From what BuildKit exported to a result: compared with the plan, looked into, and packed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nox_buildkit.build.archive import Pack
from nox_buildkit.build.planning import from_here
from nox_buildkit.buildspec.model.interpolation import asks, known
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.errors import BuildError, Code, Location
from nox_buildkit.oci.content import Manifest
from nox_buildkit.oci.layout import Layout
from nox_buildkit.output_files import archive_name
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import LayerKind
from nox_buildkit.plan.plan import Plan
from nox_buildkit.results.model import ImageResult, Layer, PlatformResult
from nox_buildkit.verify.source_files import compared_layers, differing

if TYPE_CHECKING:
    from nox_buildkit.oci.root_file_system import Tree

_SHOWN = 5

#: A key of an image, and positions in its value.
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Exported:
    """The index ``digest`` of ``image`` in the OCI layout of its name below ``exports``.

    ``locate``: where the spec has a key of an image or a variant; ``cuda``: whether CUDA was
    asked for.
    """

    plan: Plan
    image: ImagePlan
    exports: Path
    digest: str
    locate: Callable[[ImagePlan, Place], Location | None]
    cuda: bool = False

    @property
    def layout(self) -> Layout:
        """The layout that BuildKit wrote."""
        return Layout(self.exports / self.image.name)

    @cached_property
    def platforms(self) -> tuple[PlatformResult, ...]:
        """The image of each platform as a result."""
        return tuple(
            PlatformResult(
                str(descriptor.platform),
                descriptor.digest,
                _layers(manifest, self.image.on(str(descriptor.platform))),
            )
            for descriptor, manifest in self.layout.images(self.digest)
        )

    def _own(self, result: PlatformResult) -> int:
        """The number of layers that are not the base's."""
        return sum(len(one.layers) for one in self.plan.lineage(self.image, result.platform))

    def _layer_files(self, result: PlatformResult) -> list[Path]:
        return [self.layout.path(layer.digest) for layer in result.layers]

    def differing(self) -> list[str]:
        """Files of the sources that are in it otherwise than the plan says."""
        found: dict[str, None] = {}
        seen = set()
        for platform in self.platforms:
            for one, layers in self._own_layers(platform):
                key = (one.name, *compared_layers(layers, one))
                if key not in seen:
                    seen.add(key)
                    found |= dict.fromkeys(differing(layers, one))
        return list(found)

    def _own_layers(self, result: PlatformResult) -> Iterator[tuple[ImagePlan, list[Path]]]:
        """Each image of the plan that it consists of on a platform, with its own layers."""
        layers = self._layer_files(result)
        for one in self.plan.lineage(self.image, result.platform):
            begin = len(layers) - len(one.layers)
            yield one, layers[begin:]
            layers = layers[:begin]

    def finish(
        self,
        output: Path | None,
        pack: Pack,
        tell: Callable[[str], None],
        progress: BuildProgress,
    ) -> ImageResult:
        """Pack it into ``output``, if there is one, and say what was made. Raises BuildError."""
        stacks = [self.plan.lineage(self.image, result.platform) for result in self.platforms]
        known = (warning for stack in stacks for one in stack for warning in one.warnings)
        found = (*known, *self._start_warnings(), *self._warnings(tell))
        counts = [progress.count(one.name) for one in self.image.targets]
        result = ImageResult(
            name=self.image.name,
            digest=self.digest,
            platforms=self.platforms,
            tags=self.image.references,
            cached=sum(count.cached for count in counts),
            executed=sum(count.executed for count in counts),
            warnings=tuple(dict.fromkeys(found)),
        )
        if output:
            target = output / archive_name(self.image.name)
            archive = pack(self.layout, self.digest, self.image.references, target)
            result = replace(result, output=from_here(target), archive=archive)
        self.layout.sweep(self.digest)
        return result

    def _start_warnings(self) -> Iterator[str]:
        """Yield a sentence for all that a container could not start."""
        # Imported late: a run that finds nothing to do does not need it.
        from nox_buildkit.oci.root_file_system import Tree  # noqa: PLC0415
        from nox_buildkit.verify.commands import unstartable  # noqa: PLC0415
        from nox_buildkit.verify.libraries import read_layers  # noqa: PLC0415

        for result in self.platforms:
            one = self.image.on(result.platform)
            layers = self._layer_files(result)
            read_layers(layers, self._own(result))
            tree = Tree(layers)
            manifest = self.layout.manifest(result.digest)
            config = self.layout.configuration(manifest).process
            for command, places in _commands(one):
                for finding in unstartable(tree, config, command):
                    place = places[finding.word]
                    at = self.locate(one, place) if place else None
                    yield f"{at or self.image.name}: {finding.sentence}"
            yield from (f"{self.image.name}: {each}" for each in _uncompiled(tree, one))

    def _warnings(self, tell: Callable[[str], None]) -> Iterator[str]:
        """Yield a sentence for each native package that will not load."""
        stacks = {
            one.platform: self.plan.lineage(self.image, one.platform) for one in self.platforms
        }
        if not any(one.packages.native for stack in stacks.values() for one in stack):
            return
        # Not on the way of a run that finds nothing to do.
        from nox_buildkit.verify.libraries import examine  # noqa: PLC0415
        from nox_buildkit.verify.library_packages import with_packages  # noqa: PLC0415

        for result in self.platforms:
            layers, libc = self._layer_files(result), stacks[result.platform][0].python.libc
            own = self._own(result)
            found = examine(layers, own, result.platform, libc, cuda=self.cuda)
            for problem in (*found.problems, *with_packages(found, result.platform, tell)):
                yield f"{self.image.name}, {result.platform}: {problem}"


def _layers(manifest: Manifest, image: ImagePlan) -> tuple[Layer, ...]:
    """Return the layers of an image by kind: those that ``image`` does not make are the base's."""
    own = [layer.kind for layer in image.layers]
    below: list[LayerKind] = ["base"] * (len(manifest.layers) - len(own))
    kinds = zip((*below, *own), manifest.layers, strict=True)
    return tuple(Layer(kind, layer.digest, layer.size) for kind, layer in kinds)


def _commands(image: ImagePlan) -> Iterator[tuple[Sequence[str], Sequence[Place]]]:
    """Yield each command that a container runs, and where the spec has each word of it.

    A word that the image inherits has the place ``()``.
    """
    config, starts = image.config, image.starts
    started: list[tuple[str, Place]] = []
    for key, words, stated in (
        ("entrypoint", starts.entrypoint, config.entrypoint),
        ("command", starts.command, config.command),
    ):
        started += [(w, (key, n) if stated is not None else ()) for n, w in enumerate(words or ())]
    commands = [started]
    for number, program in enumerate(image.application.prestart):
        commands.append([(word, ("prestart", number, n)) for n, word in enumerate(program)])
    if check := config.healthcheck:
        commands.append([(word, ("healthcheck", "test", n)) for n, word in enumerate(check.test)])
    for command in commands:
        said = [word for word, _ in command]
        if asks(said):
            said = [known(word, dict(config.env)) for word in said]
        yield said, [place for _, place in command]


def _uncompiled(tree: Tree, image: ImagePlan) -> Iterator[str]:
    """Yield a sentence about each source without byte code, and about the rest of many."""
    from nox_buildkit.verify.commands import syntax_problem, uncompiled  # noqa: PLC0415

    sources = image.application.sources
    failed = uncompiled(tree, image.config.workdir, [file.path for file in sources.files])
    for path in failed[:_SHOWN]:
        # The files of the folder are those of the image: `require_planned` has compared them.
        yield syntax_problem(path, Path(sources.folder, path).read_bytes(), image.python.version)
    if len(failed) > _SHOWN:
        yield f"{len(failed) - _SHOWN} more files cannot be compiled"


def require_planned(made: Sequence[Exported], done: str) -> None:
    """Refuse images whose sources are not those of the plan; ``done``: where they are already.

    Raises BuildError.
    """
    problems = []
    for one in made:
        if not (files := one.differing()):
            continue
        more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        state = f"; what was {done} has them as they were later" if done else ""
        problems.append(
            Code.CHANGED_INPUTS(
                f"{one.image.name}: changed while it was built: "
                f"{', '.join(files[:_SHOWN])}{more}{state}",
                "build again; a file that is named again was changed without its time: touch it",
            )
        )
    if problems:
        raise BuildError(*problems)
