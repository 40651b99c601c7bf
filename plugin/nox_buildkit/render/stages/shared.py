"""Parts that commands of stages share: mounts, caches, and the way to the network."""

from __future__ import annotations

import hashlib

from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.render import quote
from nox_buildkit.render.inputs import OWNER, SCRIPTS, SCRIPTS_MOUNT

#: Of every uv: it does what it was told, and leaves nothing of itself.
UV_SETTINGS = "UV_PYTHON_DOWNLOADS=never UV_NO_INSTALLER_METADATA=1 UV_NO_PROGRESS=1 UV_NO_CONFIG=1"

_BYTECODE = "/var/cache/bytecode"

#: Compiles byte code, and gives everything in the layer one time.
FINISH = f"PYTHONHASHSEED=0 python3 -B -s -S {SCRIPTS}/layer.py /layer {_BYTECODE}"


def bytecode_cache(image: ImagePlan) -> str:
    """Return the option that mounts the cache of byte code."""
    name = cache_name(image, "bytecode")
    return f"--mount=type=cache,id={name},target={_BYTECODE}"


def cache_name(image: ImagePlan, purpose: str) -> str:
    """Return the ID of a cache, shared only by images whose programs have the same publisher."""
    scope = hashlib.sha256(image.bases.build.origin.encode()).hexdigest()
    return f"nox-buildkit-{purpose}-{scope[:12]}"


_OWNER = f"/run{OWNER}"
#: Mounts it.
OWNER_MOUNT = f"--mount=type=bind,from=surroundings,source={OWNER},target={_OWNER}"
#: Gives the files of the working folder to the user; folders on the way to it stay root's.
GIVE = f'chown -Rh "$(cat {_OWNER})" "/layer$WORKDIR"'


def offline_run(*mounts: str) -> list[str]:
    """Begin a RUN that has the scripts and no network; what it runs follows."""
    every = (SCRIPTS_MOUNT, *mounts)
    return ["RUN --network=none \\", *(f"    {mount} \\" for mount in every)]


def network(image: ImagePlan) -> list[str]:
    """Return lines of a shell script that let uv reach what this machine reaches."""
    lines = [
        "set -eu",
        "if [ -s /run/secrets/network ]; then . /run/secrets/network; fi",
        "if [ -s /run/secrets/ca-bundle ]; then",
        "  export SSL_CERT_FILE=/run/secrets/ca-bundle UV_SYSTEM_CERTS=1",
        "fi",
        "if [ -s /run/secrets/netrc ]; then export NETRC=/run/secrets/netrc; fi",
        f"export UV_LINK_MODE=copy {UV_SETTINGS}",
    ]
    if image.python.index:
        index = quote.shell_word(image.python.index)
        lines.append(f"export UV_DEFAULT_INDEX=${{UV_DEFAULT_INDEX:-{index}}}")
    if image.python.extra_indexes:
        indexes = quote.shell_word(" ".join(image.python.extra_indexes))
        lines.append(f'export UV_INDEX="${{UV_INDEX:+$UV_INDEX }}"{indexes}')
        # What is pinned by hash may come from any of them.
        lines.append("export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match}")
    return lines
