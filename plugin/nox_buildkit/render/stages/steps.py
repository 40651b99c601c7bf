"""Steps of the application, and the files that they make."""

from __future__ import annotations

import hashlib
import json

from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import CollectOutputs, LinkInterpreter, RunStep
from nox_buildkit.plan.packages import VENV
from nox_buildkit.render import quote
from nox_buildkit.render.stages.shared import (
    FINISH,
    GIVE,
    OWNER_MOUNT,
    bytecode_cache,
    offline_run,
)

_MADE = "/run/made"


def link_interpreter(_image: ImagePlan, _operation: LinkInterpreter) -> list[str]:
    """Point the environment at the builder's Python: its link leads to that of the base."""
    return [f"RUN ln -sf $(command -v python3) {VENV}/bin/python"]


def run_step(image: ImagePlan, operation: RunStep) -> list[str]:
    """Run a program of the application, without a network and without a shell."""
    step = operation.step
    # Another project may have an image of the same name.
    who = json.dumps([image.publication.repository, image.bases.base.origin, step.run])
    scope = hashlib.sha256(who.encode()).hexdigest()[:12]
    mounts = "".join(
        f" --mount=type=cache,id=nox-buildkit-step-{image.name}-{operation.number}-{position}-"
        f"{scope},target={path}"
        for position, path in enumerate(step.cache)
    )
    words = ["env", *(f"{name}={value}" for name, value in step.env), *step.run]
    return [f"RUN --network=none{mounts} {quote.exec_form(words)}"]


def collect_outputs(image: ImagePlan, operation: CollectOutputs) -> list[str]:
    """Make a layer of files that a stage has made."""
    words = " ".join(map(quote.shell_word, operation.paths))
    mount = f"--mount=type=bind,from={operation.stage},target={_MADE}"
    return [
        *offline_run(bytecode_cache(image), mount, *([OWNER_MOUNT] if operation.owned else [])),
        "    <<'RUN'",
        "set -eu",
        f'cd "{_MADE}$WORKDIR"',
        f"for path in {words}; do",
        # A link is copied as it is, wherever it leads to.
        '  if [ ! -e "$path" ] && [ ! -L "$path" ]; then',
        '    echo "no step made $path" >&2; exit 1',
        "  fi",
        "done",
        'mkdir -p "/layer$WORKDIR"',
        f'cp -a --parents -- {words} "/layer$WORKDIR/"',
        FINISH,
        *([GIVE] if operation.owned else []),
        "RUN",
    ]
