"""A proposal as the text of a buildspec."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from nox_buildkit.buildspec.model.expected_types import flow
from nox_buildkit.init.proposal import Proposal, ProposedImage
from nox_buildkit.printable import visible

NOXFILE = """\
from nox_buildkit import register

register()
"""

_HEAD = """\
# Images of this project, for linux/amd64 and linux/arm64. `nox -s build` builds them into dist/.
version: 1
"""
#: Keys that come first, in this order.
_ORDER = (
    "context", "requirements", "package", "base", "python", "apt", "build-apt", "args",
    "entrypoint", "command", "prestart", "steps", "copy", "env", "expose", "workdir",
    "writable-workdir", "user", "directories", "volumes", "files", "healthcheck", "stop-signal",
    "labels", "cache", "platforms", "tags", "repositories",
)  # fmt: skip


def buildspec_text(proposal: Proposal, *, base: str = "", registry: str = "") -> str:
    """Return a commented buildspec. ``registry``: a guess, which stays a comment."""
    lines = [_HEAD.rstrip()]
    if registry:
        lines.append(f"# For `nox -s push`: registry: {registry}")
    sets = _sets(proposal)
    if sets:
        lines.append("requirements:")
        lines += [f"  {flow(name)}: {flow(dict(stated))}" for name, stated in sets.items()]
    lines.append("images:")
    for image in proposal.images:
        lines += _image(image, base, sets)
    if proposal.groups:
        lines.append("groups:")
        lines += [f"  {flow(name)}: {flow(list(of))}" for name, of in proposal.groups.items()]
    return "\n".join(lines) + "\n"


def _sets(proposal: Proposal) -> dict[str, Mapping[str, Any]]:
    """Return the sets of requirements, each once, by the name of the first that installs it."""
    found: dict[str, Mapping[str, Any]] = {}
    for image in proposal.images:
        if image.requirements and image.requirements not in found.values():
            found[image.name] = image.requirements
    return found


def _image(image: ProposedImage, base: str, sets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    # visible() leaves no line break to a name of a file.
    for line in textwrap.wrap(visible(image.why), 94, break_on_hyphens=False):
        yield f"  # {line}"
    name = next((name for name, stated in sets.items() if stated == image.requirements), "")
    values: dict[str, object] = {"requirements": name, **image.keys}
    if base and not str(values.get("base", "")).startswith("target:"):
        values["base"] = base
    order = dict.fromkeys((*_ORDER, *values))
    stated = [f"    {key}: {flow(values[key])}" for key in order if values.get(key)]
    yield f"  {flow(image.name)}:" if stated else f"  {flow(image.name)}: {{}}"
    yield from stated
