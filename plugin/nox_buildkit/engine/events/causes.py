"""Known causes of failed bakes, in the order in which they are tried.

The texts are BuildKit's, buildx's and uv's own, taken from recorded failures
(tests/unit/streams). The first rule that fits wins, so the order matters.
"""

from __future__ import annotations

from nox_buildkit.engine.events.index_causes import INDEX
from nox_buildkit.engine.events.registry_causes import BASE, REGISTRY
from nox_buildkit.engine.events.rule import Rule, rule
from nox_buildkit.engine.events.step_causes import STEPS
from nox_buildkit.errors import Code

_FULL = r"(?:[Nn]o space left on device|[Dd]isk quota exceeded)"

ENGINE_GONE = rule(
    "engine-gone",
    "error",
    r"error reading from server: (?:EOF|[^\n]*connection reset)"
    r"|Cannot connect to the Docker daemon|transport is closing"
    r"|failed to receive status: .*Unavailable|failed to connect to the docker API"
    r"|graceful_stop",
    "the build engine went away",
    "see 'nox -s engine -- status', then build again: finished steps are kept",
    code=Code.ENGINE_GONE,
)

_ENGINE = (
    ENGINE_GONE,
    rule(
        "no-builder",
        "error",
        r'no builder "(?P<builder>[^"]+)" found',
        "there is no builder {builder}",
        "'docker buildx ls' shows the ones there are",
        code=Code.BUILDER,
    ),
    rule(
        "no-containerd-store",
        "error",
        r"(?P<what>OCI exporter|Multi-platform build|\w+ export(?:er)?) is not supported for the "
        r"(?P<driver>\S+) driver",
        "this engine cannot do it: {what} is not supported for its {driver} driver",
        "turn on its containerd image store, or use another builder",
        code=Code.BUILDER,
    ),
    rule(
        "disk-full",
        "any",
        _FULL,
        "no space left on device",
        "free some ('docker buildx prune'; 'nox -s engine -- remove' for the private engine)",
        code=Code.DISK_FULL,
    ),
    rule(
        "no-emulation",
        "any",
        r"exec format error",
        "a step runs a program of {platform}, which this machine cannot do",
        "set up QEMU emulation, or use a builder with a {platform} node",
        code=Code.EMULATION,
    ),
)

#: Of what no other rule knows better.
_REST = (
    rule(
        "base-other",
        "error",
        BASE + r"(?P<why>[^\n]+)",
        "the base {ref} cannot be downloaded: {why}",
        "check its name",
        code=Code.BASE_IMAGE,
    ),
    rule(
        "step-failed",
        "error",
        r"did not complete successfully: (?P<why>exit code: \d+)",
        "the command failed ({why})",
        "its last lines say why",
        code=Code.STEP,
    ),
    rule(
        "cancelled",
        "error",
        r"(?:rpc error: code = )?(?P<why>[^\n:]*Canceled[^\n]*|context canceled)",
        "the build was cancelled ({why})",
        "finished steps are kept",
        code=Code.INTERRUPTED,
    ),
)

RULES: tuple[Rule, ...] = (*_ENGINE, *STEPS, *REGISTRY, *INDEX, *_REST)
