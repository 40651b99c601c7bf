"""Compile a package without a wheel, and gather the wheels that a step installs."""

from __future__ import annotations

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import GatherWheels, MakeWheel
from nox_buildkit.plan.stages import MADE
from nox_buildkit.render.inputs import INPUTS, SCRIPTS, SCRIPTS_MOUNT, mount_of
from nox_buildkit.render.stages.packages import ARCHITECTURE
from nox_buildkit.render.stages.shared import network

_OUTPUT = "/wheels"

#: Leaves nothing to do for an emulated Python, which takes a second to start.
_MADE = (
    "if [ -e /run/made/crossed ]; then",
    f"  mkdir -p {_OUTPUT} && cp -R /run/made/. {_OUTPUT} && exit",
    "fi",
)


def make_wheel(image: ImagePlan, operation: MakeWheel) -> list[str]:
    """Make the wheel of one package, without a cache that another build reads."""
    mount = f"    --mount=type=bind,from={operation.made},source={_OUTPUT},target=/run/made \\"
    options = ["--optional"] if operation.optional else []
    options += ["--made /run/made"] if operation.made else []
    options += [f"--cross {_target(operation.cross)}"] if operation.cross else []
    words = [f"{SCRIPTS}/make_wheel.py", f"{INPUTS}/requirements.txt", _OUTPUT, *options]
    architecture = ARCHITECTURE[operation.machine]
    return [
        f"RUN {SCRIPTS_MOUNT} \\",
        f"    {mount_of(operation.requirements)} \\",
        f"    --mount=type=bind,from=uv,source=linux-${architecture},target=/run/uv \\",
        *([mount] if operation.made else []),
        "    --mount=type=secret,id=ca-bundle --mount=type=secret,id=network \\",
        "    --mount=type=secret,id=netrc <<'RUN'",
        *(_MADE if operation.made.startswith(MADE) else ()),
        *network(image),
        "export PATH=/run/uv:$PATH",
        f"python3 {' '.join(words)}",
        "RUN",
    ]


def _target(platform: str) -> str:
    known = PLATFORMS[platform]
    return ",".join((platform, known.triple, known.machine))


def gather_wheels(_image: ImagePlan, operation: GatherWheels) -> list[str]:
    """Copy the wheel of each package into a folder of its name."""
    return [
        f"WORKDIR {_OUTPUT}",
        *(
            f"COPY --from={stage} {_OUTPUT}/ {_OUTPUT}/{package}/"
            for package, stage in operation.stages
        ),
    ]
