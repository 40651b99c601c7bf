"""The docker client that is on PATH."""

from __future__ import annotations

import shutil
import sys

from nox_buildkit.engine.buildx_plugin import with_buildx
from nox_buildkit.engine.client import Docker
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.progress import SILENT, Progress

_NO_BUILDX = "it has no buildx whose bake knows --allow"
GET_BUILDX = {
    "darwin": "run `brew install docker-buildx`, and do what it says about cliPluginsExtraDirs",
    "linux": "install your distribution's docker-buildx, or a newer one",
}


def installed(report: Progress = SILENT) -> Docker | None:
    """Return the docker client on PATH, if it has a buildx that can do what a build needs."""
    path = shutil.which("docker")
    if path is None:
        return None
    if client := with_buildx(path):
        return client
    report.message(f"not {path}: {_NO_BUILDX}; update its buildx to use it")
    return None


def require_other(*, private: bool) -> None:
    """Raise EngineError where a docker without buildx is all that there is.

    ``private``: whether there can be a private engine.
    """
    path = shutil.which("docker")
    if path and not private:
        hint = GET_BUILDX.get(sys.platform, "install buildx")
        raise EngineError(Code.NO_ENGINE(f"{path}: {_NO_BUILDX}", hint))
