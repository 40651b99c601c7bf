"""The result of an image whose platforms were built by several runners."""

from __future__ import annotations

from nox_buildkit.build.matrix_results import whole_of
from nox_buildkit.results.model import Archive, ImageResult, PlatformResult

AMD64 = PlatformResult("linux/amd64", "sha256:a1")
ARM64 = PlatformResult("linux/arm64", "sha256:a2")
BOTH = "web: nothing on the PATH provides 'gunicorn'"


def test_what_every_runner_found_is_in_the_whole() -> None:
    first = ImageResult(
        "web", "sha256:01", (ARM64,), ("web:1",), "dist/web.oci.tar", Archive(9, "f"),
        cached=3, executed=4, seconds=20.0, warnings=(BOTH, "web, linux/arm64: no libfoo.so.1"),
    )  # fmt: skip
    second = ImageResult(
        "web", "sha256:02", (AMD64,), cached=1, executed=2, seconds=5.0,
        warnings=(BOTH, "web, linux/amd64: no libbar.so.1"),
    )  # fmt: skip

    assert whole_of([first, second], (AMD64, ARM64), "sha256:03") == ImageResult(
        "web", "sha256:03", (AMD64, ARM64), cached=4, executed=6, seconds=20.0,
        warnings=(BOTH, "web, linux/arm64: no libfoo.so.1", "web, linux/amd64: no libbar.so.1"),
    )  # fmt: skip
