"""Checks of images before a release, against the plan and the spec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nox_buildkit.build.network_secrets import network_of
from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.publishing import bytes_of
from nox_buildkit.environment import ca_bundle
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.oci.layout import Layout
from nox_buildkit.plan.application import with_group
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.plan import Plan
from nox_buildkit.plan.start_programs import entrypoint_of
from nox_buildkit.verify.image import Expected, verify_image
from nox_buildkit.verify.leaks import Needle, needles_for


def require_verified(
    spec: BuildSpec, plan: Plan, layouts: Mapping[str, tuple[Layout, str]]
) -> tuple[str, ...]:
    """Check each image, statically; return warnings.

    ``layouts``: layout and digest of its index, by name. Raises ReleaseError with everything that
    is wrong.
    """
    needles = needles_of(plan)
    problems, warnings = [], []
    for image in plan.images:
        layout, digest = layouts[image.name]
        for finding in verify_image(layout, digest, expected_of(spec, plan, image), needles):
            said, location = f"{image.name}, {finding}", spec.location("images", image.name)
            if finding.severity == "warning":
                warnings.append(said)
            else:
                problems.append(Code.VERIFICATION(said, "nothing was published", location))
    if problems:
        raise ReleaseError(*problems)
    return tuple(warnings)


def needles_of(plan: Plan) -> tuple[Needle, ...]:
    """Return what of this machine must not be in an image of ``plan``."""
    network = network_of(plan)
    bundle = ca_bundle()
    # All of it: single certificates of it are public, and packages bring them.
    certificates = [Path(bundle).read_bytes().strip()] if bundle else []
    return needles_for(network.secrets, network.indexes, [each for each in certificates if each])


def expected_of(spec: BuildSpec, plan: Plan, image: ImagePlan) -> dict[str, Expected]:
    """Return the image as it should be, by platform."""
    stated = spec.images[image.name]
    found = {}
    for platform in image.every_platform:
        lineage = plan.lineage(image, platform)
        one = image.on(platform)
        packages = one.packages.of_every_platform().get(platform, ())
        found[platform] = Expected(
            packages={package.name: package.version for package in packages},
            layers=[layer.kind for each in reversed(lineage) for layer in each.layers],
            libc=lineage[-1].python.libc,
            process=_process(one),
            max_size=bytes_of(stated.max_size) if stated.max_size else 0,
            cuda=stated.cuda,
        )
    return found


def _process(image: ImagePlan) -> dict[str, Any]:
    """Return what the plan states of the image's configuration."""
    config = image.config
    stated: dict[str, Any] = {
        "User": with_group(config.user),
        "WorkingDir": config.workdir,
        "Entrypoint": list(entrypoint_of(image) or ()) or None,
        "Cmd": list(config.command) if config.command else None,
    }
    if config.expose:
        stated["ExposedPorts"] = {port: {} for port in config.expose}
    return {key: value for key, value in stated.items() if value}
