"""Install Python packages into the virtual environment, which becomes a layer."""

from __future__ import annotations

from pathlib import PurePosixPath

from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import InstallPackages, Wheels
from nox_buildkit.plan.packages import VENV
from nox_buildkit.render import quote
from nox_buildkit.render.inputs import FILES, INPUTS, SCRIPTS, mount_of
from nox_buildkit.render.stages.shared import FINISH, UV_SETTINGS, bytecode_cache, offline_run

#: Build arguments that name the architecture of a machine.
ARCHITECTURE = {"build": "BUILDARCH", "target": "TARGETARCH"}

_COMPILED = "/run/wheels"
_ENVIRONMENT = f"python3 -I {SCRIPTS}/environment.py"


def install_packages(image: ImagePlan, operation: InstallPackages) -> list[str]:
    """Install packages from files that have the locked hashes; leave them in ``/layer``."""
    option = " --python-platform $platform" if operation.cross else ""
    command = f"uv pip install --python {VENV}{option} --no-deps"
    compiled = operation.compiled
    strip = "" if operation.environment else " all"
    return [
        *_mounts(image, operation),
        "set -eu",
        # Wheels are unpacked into the temporary folder, and linked from there.
        f"export UV_OFFLINE=1 UV_NO_CACHE=1 UV_LINK_MODE=hardlink {UV_SETTINGS}",
        "export PATH=/run/uv:$PATH",
        *_platforms(operation),
        f"uv venv --quiet --no-project --python python3 {VENV}",
        f"{_ENVIRONMENT} made {VENV}",
        f"{command} --no-index --find-links {FILES} \\",
        f"  --require-hashes --only-binary :all: --requirements {INPUTS}/requirements.txt",
        *(_install_compiled(command, compiled) if compiled else []),
        *_interpreter(image),
        f"{_ENVIRONMENT} strip {VENV}{strip}",
        f"mkdir -p /layer{PurePosixPath(VENV).parent} && mv {VENV} /layer{VENV}",
        FINISH,
        "RUN",
    ]


def _mounts(image: ImagePlan, operation: InstallPackages) -> list[str]:
    architecture, requirements = ARCHITECTURE[operation.machine], operation.requirements
    wheels = operation.compiled
    taken = wheels and f"from={wheels.stage},source=/wheels,target={_COMPILED}"
    *every, last = [
        mount_of(requirements),
        f"--mount=type=bind,from=uv,source=linux-${architecture},target=/run/uv",
        *([f"--mount=type=bind,{taken}"] if wheels else []),
        bytecode_cache(image),
    ]
    return [*offline_run(*every), f"    {last} <<'RUN'"]


def _platforms(operation: InstallPackages) -> list[str]:
    if not operation.cross:
        return []
    cases = " ".join(
        f"{PLATFORMS[platform].architecture}) platform={name} ;;"
        for platform, name in operation.cross
    )
    return [f"case $TARGETARCH in {cases} esac"]


def _install_compiled(command: str, compiled: Wheels) -> list[str]:
    words = [compiled.kind, _COMPILED, *map(quote.shell_word, compiled.names)]
    return [
        f"python3 -I {SCRIPTS}/made_wheels.py {' '.join(words)} > /run/wheels.txt",
        # There may be none for this platform.
        "if [ -s /run/wheels.txt ]; then",
        f"  {command} --no-cache --no-index --requirements /run/wheels.txt",
        "fi",
    ]


def _interpreter(image: ImagePlan) -> list[str]:
    """Point the environment at the Python of the base, which lies elsewhere than the builder's."""
    path, builder = image.bases.base.interpreter, image.bases.builder
    if not builder or builder.interpreter == path:
        return []
    home = quote.shell_word(f"home = {PurePosixPath(path).parent}")
    return [
        f"ln -sf {quote.shell_word(path)} {VENV}/bin/python",
        "{",
        f"  printf '%s\\n' {home}",
        # A builder may have neither grep nor sed.
        '  while IFS= read -r line; do case $line in home*) ;; *) echo "$line" ;; esac; done',
        f"}} < {VENV}/pyvenv.cfg > /run/pyvenv.cfg",
        f"mv /run/pyvenv.cfg {VENV}/pyvenv.cfg",
    ]
