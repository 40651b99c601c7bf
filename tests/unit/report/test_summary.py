from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from nox_buildkit.report.summary import print_summary
from nox_buildkit.results.model import ImageResult, Layer, PlatformResult
from nox_buildkit.results.record import to_json

AMD64 = PlatformResult(
    "linux/amd64",
    "sha256:" + "a1" * 32,
    (
        Layer("base", "sha256:" + "01" * 32, 28_600_000),
        Layer("pure", "sha256:" + "02" * 32, 5_120_000),
        Layer("native", "sha256:" + "03" * 32, 4_210_000),
        Layer("app", "sha256:" + "04" * 32, 1_200),
    ),
)
ARM64 = PlatformResult("linux/arm64", "sha256:" + "b2" * 32, AMD64.layers[:2])
HEADINGS = ("image", "platform", "digest", "total", "cached/run", "time")
SIZES = ("28.6 MB", "5.12 MB", "4.21 MB", "1.20 kB")
RESULTS = (
    ImageResult(
        "hello",
        "sha256:" + "cc" * 32,
        (AMD64, ARM64),
        ("r.example/hello:1",),
        "dist/hello.oci.tar",
        cached=7,
        executed=3,
        seconds=8.25,
    ),
    ImageResult("api", "sha256:" + "dd" * 32, (AMD64,), up_to_date=True, seconds=0.4),
)


def test_in_a_log_the_table_is_aligned_text() -> None:
    out = io.StringIO()
    print_summary(Console(file=out, width=40), RESULTS)
    lines = out.getvalue().splitlines()
    assert [re.split(r" {2,}", line) for line in lines] == [
        [*HEADINGS[:3], "base", "pure", "native", "app", *HEADINGS[3:]],
        ["hello", "linux/amd64", "sha256:a1a1a1a1a1a1", *SIZES, "37.9 MB", "7/3", "8.2 s"],
        ["", "linux/arm64", "sha256:b2b2b2b2b2b2", *SIZES[:2], "-", "-", "33.7 MB"],
        ["api", "linux/amd64", "sha256:a1a1a1a1a1a1", *SIZES, "37.9 MB", "up to date", "-"],
    ]
    assert len({line.index("linux/") for line in lines[1:]}) == 1
    assert len({line.rindex(" MB") for line in lines[1:]}) == 1


def test_debian_packages_on_a_registry_base_have_a_column_where_there_are_some() -> None:
    apt = Layer("apt", "sha256:" + "05" * 32, 7_700_000)
    image = replace(AMD64, layers=(*AMD64.layers[:1], apt, *AMD64.layers[1:]))
    out = io.StringIO()
    print_summary(Console(file=out), [replace(RESULTS[1], platforms=(image,)), RESULTS[0]])
    headings, api, hello, _ = (re.split(r" {2,}", line) for line in out.getvalue().splitlines())
    assert headings[3:6] == ["base", "apt", "pure"]
    assert (api[4], hello[4]) == ("7.70 MB", "-")
    assert api[8] == "45.6 MB"


def test_in_a_narrow_terminal_the_layers_give_way() -> None:
    for width, native in ((120, True), (80, False)):
        out = io.StringIO()
        print_summary(
            Console(file=out, width=width, force_terminal=True, color_system=None), RESULTS
        )
        assert ("4.21 MB" in out.getvalue()) is native
        assert "37.9 MB" in out.getvalue()
        assert max(map(len, out.getvalue().splitlines())) <= width


@pytest.mark.parametrize("width", [30, 60, 80, 100, 105, 110, 200])
@pytest.mark.parametrize("name", ["hello", "a-service-with-quite-a-long-name-of-its-own"])
def test_nothing_is_cut_in_a_terminal_of_any_width(width: int, name: str) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    apt = Layer("apt", "sha256:" + "05" * 32, 123_000_000)
    image = replace(AMD64, layers=(*AMD64.layers, apt))
    print_summary(console, [replace(RESULTS[0], name=name, platforms=(image, ARM64))])
    text = out.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    # What matters is there, though it may be on several lines.
    joined = "".join(text.split())
    for word in (name, "linux/amd64", "linux/arm64", "sha256:a1a1a1a1a1a1", "161MB", "33.7MB"):
        assert word in joined


def test_the_record_says_all_of_it_in_bytes() -> None:
    record = to_json(RESULTS)
    assert record["version"] == 1
    hello = record["images"]["hello"]
    assert hello["tags"] == ["r.example/hello:1"]
    assert hello["output"] == "dist/hello.oci.tar"
    assert hello["steps"] == {"cached": 7, "executed": 3}
    assert (hello["seconds"], hello["up_to_date"]) == (8.25, False)
    assert hello["platforms"]["linux/arm64"] == {
        "digest": ARM64.digest,
        "size": 33_720_000,
        "layers": [
            {"kind": "base", "digest": "sha256:" + "01" * 32, "size": 28_600_000},
            {"kind": "pure", "digest": "sha256:" + "02" * 32, "size": 5_120_000},
        ],
    }
    assert record["images"]["api"]["up_to_date"] is True
