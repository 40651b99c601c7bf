"""Projects in memory of a test, and what is proposed for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.init.project import propose
from nox_buildkit.init.proposal import Proposal
from nox_buildkit.init.text import buildspec_text


def proposal_of(folder: Path, files: Mapping[str, str]) -> Proposal:
    """The proposal for ``files``, in a folder called shop."""
    root = folder / "shop"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return propose(root, sorted(files))


def proposed(folder: Path, files: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The images of the proposal, as the reader of specs has them, and its notes."""
    proposal = proposal_of(folder, files)
    spec = parse(buildspec_text(proposal), "buildspec.yaml")
    return dict(spec.images), "\n".join(proposal.notes)
