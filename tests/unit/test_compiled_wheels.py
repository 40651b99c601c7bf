"""Wheels out of an engine: files that are wheels, and nothing that foreign code put beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.build.compiled_wheels import CompiledWheel, keep
from nox_buildkit.cache_entries import is_whole
from nox_buildkit.plan.packages import Package


class Kept(CompiledWheel):
    """A wheel that is kept in one folder, whatever made it."""

    @property
    def folder(self) -> Path:
        return Path(str(self.image))


def test_links_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret.whl"
    secret.write_text("of this machine")
    made = tmp_path / "out/linux_arm64/wheels/demo"
    (made / "any").mkdir(parents=True)
    (made / "any/demo-1.0-py3-none-any.whl").write_text("wheel")
    (made / "any/stolen-1.0-py3-none-any.whl").symlink_to(secret)
    (made / "any/notes.txt").write_text("no wheel")
    (made / "linked").symlink_to(tmp_path, target_is_directory=True)
    package = Package("demo", "1.0", "native", "demo-1.0.tar.gz", "0" * 64, 1, compiled=True)
    kept = Kept(tmp_path / "kept", package, "wheel-", "linux/arm64")  # type: ignore[arg-type]

    keep(kept, tmp_path / "out")

    found = [path for path in kept.folder.rglob("*") if path.is_file()]
    assert [path.relative_to(kept.folder).as_posix() for path in found] == [
        "wheels/any/demo-1.0-py3-none-any.whl"
    ]
    assert is_whole(kept.folder, kept.seal)
