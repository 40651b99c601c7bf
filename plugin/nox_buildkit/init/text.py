"""A proposal as the text of a buildspec."""

from __future__ import annotations

from collections.abc import Iterator

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


def buildspec_text(proposal: Proposal, *, base: str = "", registry: str = "") -> str:
    """Return a commented buildspec. ``registry``: a guess, which stays a comment."""
    lines = [_HEAD.rstrip()]
    if registry:
        lines.append(f"# For `nox -s push`: registry: {registry}")
    lines.append("images:")
    for image in proposal.images:
        lines += _image(image, base)
    return "\n".join(lines) + "\n"


def _image(image: ProposedImage, base: str) -> Iterator[str]:
    if image.why:
        yield f"  # {visible(image.why)}"
    yield f"  {image.name}:"
    values: dict[str, object] = {
        "context": image.context,
        "package": image.package,
        "base": base,
        "python": image.python,
        "apt": list(image.apt),
        "entrypoint": list(image.entrypoint),
        "command": list(image.command),
        "env": dict(image.env),
        "expose": [int(port) if port.isdecimal() else port for port in image.expose],
        "workdir": image.workdir,
        "user": image.user,
        "healthcheck": {"test": list(image.health)} if image.health else {},
    }
    for key, value in values.items():
        if value:
            yield f"    {key}: {flow(value)}"
