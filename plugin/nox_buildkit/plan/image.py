"""The plan of one image."""

from __future__ import annotations

from dataclasses import dataclass, field

from nox_buildkit.oci.content import Compression
from nox_buildkit.plan.application import Application
from nox_buildkit.plan.base import Bases, PlannedImage
from nox_buildkit.plan.compiling import Compilation
from nox_buildkit.plan.debian import DebianPackages
from nox_buildkit.plan.identity import NOT_IDENTITY, digest_of
from nox_buildkit.plan.packages import Packages
from nox_buildkit.plan.process import ImageConfig, Start
from nox_buildkit.plan.stages import Layer, Stage, layers_of
from nox_buildkit.plan.tags import PlannedTag, SkippedTag
from nox_buildkit.plan.versions import Scheme
from nox_buildkit.plan.wheel_platforms import Libc


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """The Python of an image, and where its packages come from.

    ``lock``: the committed requirements file; ``index``: [NAME=]URL in place of uv's default.
    """

    version: str
    libc: Libc
    uv: str
    lock: str | None = None
    index: str | None = None
    extra_indexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """The names of an image; without ``repositories`` it is known by its own name.

    ``immutable``: templates of tags that never get another content; ``skipped``: templates that
    give no tag here; ``version``: of the project.
    """

    tags: tuple[PlannedTag, ...] = ()
    repositories: tuple[str, ...] = ()
    version: str = field(default="", metadata=NOT_IDENTITY)
    scheme: Scheme = field(default="pep440", metadata=NOT_IDENTITY)
    immutable: tuple[str, ...] = field(default=(), metadata=NOT_IDENTITY)
    skipped: tuple[SkippedTag, ...] = field(default=(), metadata=NOT_IDENTITY)

    @property
    def repository(self) -> str | None:
        """The first of the repositories."""
        return self.repositories[0] if self.repositories else None


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """One image: an index of platforms.

    ``generator``: digest of the program that turns the plan into an image; ``build_args``:
    variables of what runs during the build, if anything does; ``compilations``: how packages
    without a wheel are compiled; ``starts``: what a container starts, inherited or not;
    ``variants``: the image on further platforms, where it differs by more than packages;
    ``stages``: derived from the rest.
    """

    name: str
    generator: str
    bases: Bases
    python: PythonEnvironment
    debian: DebianPackages
    packages: Packages
    application: Application
    config: ImageConfig
    starts: Start
    build_args: tuple[tuple[str, str], ...] = ()
    compilations: tuple[Compilation, ...] = ()
    publication: Publication = Publication()
    compression: Compression = "gzip"
    variants: tuple[ImagePlan, ...] = ()
    stages: tuple[Stage, ...] = field(default=(), metadata=NOT_IDENTITY)
    # A base that was supported when the image was built may be so no longer.
    warnings: tuple[str, ...] = field(default=(), metadata=NOT_IDENTITY)

    @property
    def targets(self) -> tuple[ImagePlan, ...]:
        """The image and its variants."""
        return (self, *self.variants)

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms of the image without those of its variants."""
        return tuple(one.platform for one in self.packages.platforms)

    @property
    def every_platform(self) -> tuple[str, ...]:
        """The platforms of the index, those of variants included."""
        return tuple(platform for target in self.targets for platform in target.platforms)

    def on(self, platform: str) -> ImagePlan:
        """Return the image or the variant that ``platform`` has."""
        return next(target for target in self.targets if platform in target.platforms)

    @property
    def parents(self) -> tuple[str, ...]:
        """Names of the images of the plan that it builds on, or takes files from."""
        sources = (
            base.source
            for one in self.targets
            for base in (*one.bases.named.values(), *one.application.taken_images)
        )
        names = (source.name for source in sources if isinstance(source, PlannedImage))
        return tuple(dict.fromkeys(names))

    @property
    def parent(self) -> str:
        """The name of the image of the plan that is its base; empty if there is none."""
        source = self.bases.base.source
        return source.name if isinstance(source, PlannedImage) else ""

    @property
    def has_environment(self) -> bool:
        """Tell whether the image, or its base, has a virtual environment with packages."""
        return bool(self.packages) or self.packages.extend_base

    @property
    def owner(self) -> str:
        """The user that its folders belong to; where containers start as root, the one after."""
        return self.application.becomes or self.config.user

    @property
    def repository(self) -> str:
        """The first of its repositories; without a registry, its own name."""
        return self.publication.repository or self.name

    @property
    def references(self) -> tuple[str, ...]:
        """Every repository with every tag; without a registry, ``name:tag``."""
        names = self.publication.repositories or (self.name,)
        return tuple(f"{name}:{tag.name}" for name in names for tag in self.publication.tags)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers above the base, the lowest first."""
        return layers_of(self.stages)

    @property
    def on_target(self) -> tuple[str, ...]:
        """Platforms on which some stage runs a program of the platform."""
        used = {platform for stage in self.stages for platform in stage.on_target}
        return tuple(platform for platform in self.platforms if platform in used)

    @property
    def digest(self) -> str:
        """Equal for equal plans: nothing else changes what is built."""
        return digest_of(self)
