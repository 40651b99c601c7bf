"""The buildx of a docker client: its program, and whether it can do what a build needs.

The client answers such questions in a fifth of a second each; what it said is kept for a day, for
as long as its program, its configuration and the plugin are the same files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from nox_buildkit.cache_entries import read_cached, stamp, write_cached
from nox_buildkit.engine import inspect as inspection
from nox_buildkit.engine.client import Docker
from nox_buildkit.engine.docker_config import user_config
from nox_buildkit.errors import EngineError
from nox_buildkit.files import cache_dir, private_dir

_KEPT_SECONDS = 24 * 3600


def with_buildx(docker: str) -> Docker | None:
    """Return the client ``docker`` with its buildx; None if it has none whose bake has --allow."""
    folder = user_config()
    state = _state((docker, str(folder / "config.json"), str(folder / "cli-plugins")))
    return _with_buildx(docker, folder, state)


@cache
def _with_buildx(docker: str, folder: Path, state: str) -> Docker | None:
    digest = hashlib.sha256(json.dumps([docker, str(folder)]).encode()).hexdigest()[:12]
    place = private_dir(cache_dir() / "client") / f"buildx-{digest}.json"
    known = read_cached(place)
    if known and known["state"] == state and known["until"] > time.time():
        plugin = known["plugin"]
        if known["plugin_state"] == _state([plugin]):
            return Docker(docker, plugin=plugin)
    client = Docker(docker)
    if not _has_allow(client):
        return None
    if plugin := _plugin_of(client):
        plugin = str(Path(plugin).absolute())
    itself = Docker(docker, plugin=plugin)
    if not plugin or not _has_allow(itself):
        return client
    until, plugin_state = time.time() + _KEPT_SECONDS, _state([plugin])
    entry = {"state": state, "plugin": plugin, "plugin_state": plugin_state, "until": until}
    write_cached(place, entry)
    return itself


def _plugin_of(client: Docker) -> str | None:
    """Return the program of the plugin; None where the client does not say."""
    with contextlib.suppress(EngineError, ValueError):
        listed = inspection.ask(client, "info", "--format", "{{json .ClientInfo.Plugins}}")
        for plugin in json.loads(listed) or ():
            if plugin.get("Name") == "buildx" and not plugin.get("Err"):
                return plugin.get("Path") or None
    return None


def _has_allow(client: Docker) -> bool:
    try:
        return "--allow" in inspection.ask(client, "buildx", "bake", "--help")
    except EngineError:
        return False


def _state(files: Iterable[str]) -> str:
    """Return what is another one when one of ``files`` is written to, comes or goes."""
    found: dict[str, list[int] | None] = {}
    for file in files:
        try:
            found[file] = stamp(Path(file).stat())
        except OSError:
            found[file] = None
    return json.dumps(found)
