"""The stages that compile packages without a wheel, each package in a stage of its own.

A build backend is foreign code: its stage has no cache that another build reads, and gives away
one folder. BuildKit keeps what a stage made as long as the compiler's image, the Debian packages
and the sdist are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nox_buildkit.plan.model import ImagePlan
from nox_buildkit.plan.parts import Package
from nox_buildkit.plan.wheel_platforms import PLATFORMS
from nox_buildkit.render import inputs
from nox_buildkit.render.inputs import INPUTS, SCRIPTS, SCRIPTS_MOUNT
from nox_buildkit.render.steps import apt, network

#: Stages whose names begin so compile one package: on the machine that builds, and on the target.
HERE, THERE = "here-", "wheel-"

_OUTPUT = "/wheels"


def compiling_stages(image: ImagePlan) -> Iterator[list[str]]:
    """Every stage that compiles something, and those that gather what a step installs."""
    here = inputs.compiled_here(image)
    if here:
        yield _compiler("$BUILDPLATFORM", "BUILDARCH", image)
    everywhere = set(image.compiled_everywhere)
    for package in here:
        # It may have machine code after all; what counts then is whether the target can make it.
        optional = ["--optional"] if package in everywhere else []
        yield _package(image, package, HERE, "BUILDARCH", optional)
    if image.compiled_everywhere:
        what = "Packages without a wheel and without machine code: made once, for all platforms."
        yield _gathered(what, "pure-wheels", HERE, image.compiled_everywhere)
    if image.compiles_for_steps:
        for one in image.step_packages:
            needed = [package for package in one.packages if package.compiled]
            name = f"step-wheels-{PLATFORMS[one.platform].architecture}"
            yield _gathered(f"For steps on {one.platform}.", name, HERE, needed)
        yield ["FROM step-wheels-$BUILDARCH AS step-wheels"]
    if image.compiling:
        yield from _on_targets(image, here)


def _on_targets(image: ImagePlan, here: Sequence[Package]) -> Iterator[list[str]]:
    by_platform = {
        one.platform: [package for package in one.packages if package.compiled]
        for one in image.platforms
    }
    yield _compiler("", "TARGETARCH", image)
    for package in dict.fromkeys(x for packages in by_platform.values() for x in packages):
        made = ["--made /run/made"] if package in here else []
        yield _package(image, package, THERE, "TARGETARCH", made)
    for platform, packages in by_platform.items():
        name = f"wheels-{PLATFORMS[platform].architecture}"
        yield _gathered(f"What {platform} has compiled.", name, THERE, packages)
    yield ["FROM wheels-$TARGETARCH AS wheels"]


def _compiler(platform: str, architecture: str, image: ImagePlan) -> list[str]:
    where = f"--platform={platform} " if platform else ""
    return [
        f"# What compiles, on {'the machine that builds' if platform else 'the target platform'}.",
        f"FROM {where}compiler AS {_compiler_stage(architecture)}",
        "USER 0:0",
        f"ARG {architecture}",
        *apt(image.build_apt, architecture),
    ]


def _compiler_stage(architecture: str) -> str:
    return "compile-here" if architecture == "BUILDARCH" else "compile"


def _package(
    image: ImagePlan, package: Package, prefix: str, architecture: str, options: Sequence[str]
) -> list[str]:
    mount = (
        f"    --mount=type=bind,from={_stage(HERE, package)},source={_OUTPUT},target=/run/made \\"
    )
    words = [f"{SCRIPTS}/wheels.py", "build", f"{INPUTS}/requirements.txt", _OUTPUT, *options]
    return [
        f"FROM {_compiler_stage(architecture)} AS {_stage(prefix, package)}",
        f"RUN {SCRIPTS_MOUNT} \\",
        f"    {inputs.sdist(package).mount()} \\",
        f"    --mount=type=bind,from=uv,source=linux-${architecture},target=/run/uv \\",
        *([mount] if "--made /run/made" in options else []),
        "    --mount=type=secret,id=ca-bundle --mount=type=secret,id=network \\",
        "    --mount=type=secret,id=netrc <<'RUN'",
        *network(image),
        "export PATH=/run/uv:$PATH",
        f"python3 {' '.join(words)}",
        "RUN",
    ]


def _gathered(comment: str, stage: str, prefix: str, packages: Sequence[Package]) -> list[str]:
    return [
        f"# {comment}",
        f"FROM scratch AS {stage}",
        f"WORKDIR {_OUTPUT}",
        *(
            f"COPY --from={_stage(prefix, package)} {_OUTPUT}/ {_OUTPUT}/{package.name}/"
            for package in packages
        ),
    ]


def _stage(prefix: str, package: Package) -> str:
    return f"{prefix}{package.name}-{package.sha256[:8]}"
