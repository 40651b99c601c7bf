"""Images that build on each other, and what differs between platforms."""

from __future__ import annotations

import pytest

from nox_buildkit.errors import SpecError
from nox_buildkit.spec.load import parse
from nox_buildkit.spec.targets import targets_of, with_images_below

SPEC = """\
version: 1
defaults:
  env: {A: "1"}
  per-platform: {linux/arm/v7: {env: {SMALL: "1"}}}
images:
  common: {platforms: [linux/amd64, linux/arm64, linux/arm/v7], apt: [libpq5]}
  api:
    base: target:common
    platforms: [linux/arm64, linux/amd64]
    env: {B: "2"}
    per-platform:
      linux/amd64: {base: debian, env: {B: "3"}}
  tool: {base: target:api}
"""


def _problems(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(text, "buildspec.yaml")
    return str(caught.value).splitlines()


def test_platforms_on_which_an_image_is_the_same_are_one_target() -> None:
    spec = parse(SPEC, "buildspec.yaml")

    common, small = targets_of(spec, "common")
    assert (common.name, common.platforms) == ("common", ("linux/amd64", "linux/arm64"))
    assert (small.name, small.platforms) == ("common-linux-arm-v7", ("linux/arm/v7",))
    assert small.variant.env == {"A": "1", "SMALL": "1"}
    assert small.variant.apt == ("libpq5",)

    api, other = targets_of(spec, "api")
    assert (api.name, api.platforms, api.below) == ("api", ("linux/arm64",), common)
    assert (other.name, other.below) == ("api-linux-amd64", None)
    assert other.variant.env == {"A": "1", "B": "3"}
    assert str(other.location("base")).startswith("buildspec.yaml:12:27")
    assert str(other.location("python")).startswith("buildspec.yaml:12:7")

    # On a target that is two, an image is two.
    first, second = targets_of(spec, "tool")
    assert (first.platforms, first.root.name) == (("linux/amd64",), "api-linux-amd64")
    assert (second.platforms, second.root.name) == (("linux/arm64",), "common")
    assert with_images_below(spec, ["tool"]) == ("common", "api", "tool")


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        ("{a: {base: 'target:bas'}, base: {}}", "images.a.base: no image named 'bas'; did"),
        ("{a: {base: 'target:a'}}", "images.a.base: an image cannot build on itself"),
        (
            "{a: {base: 'target:b'}, b: {base: 'target:a'}}",
            "images.a.base: an image cannot build on itself",
        ),
        (
            "{a: {base: 'target:b'}, b: {platforms: [linux/amd64]}}",
            "images.a.base: 'b' is not built for linux/arm64; add it to images.b.platforms",
        ),
        (
            "{a: {base: 'target:b', python: '3.12'}, b: {}}",
            "images.a.python: 'b', which it builds on, is for Python 3.13; set the same",
        ),
        (
            "{a: {base: 'target:b', build-base: full}, b: {}}",
            "images.a.build-base: what builds is decided by 'b'",
        ),
        ("{a.b: {}}", "images.a.b: 'a.b' has a dot in it, which bake does not take; write '-'"),
        ("{a: {base: 'target:'}}", "images.a.base: 'target:' is not an image reference"),
        (
            "{a: {per-platform: {linux/arm/v7: {}}}}",
            "images.a.per-platform.linux/arm/v7: the image is not built for linux/arm/v7",
        ),
        (
            "{a: {per-platform: {linux/arm64: {tags: [x]}}}}",
            "images.a.per-platform.linux/arm64.tags: unknown key",
        ),
        (
            "{a: {per-platform: {linux/arm46: {}}}}",
            "'linux/arm46' is not a supported platform",
        ),
        (
            "{a: {per-platform: {linux/arm64: {requirements: none}}}, a-linux-arm64: {}, c: {}}",
            "the name is that of what another image is on a platform: 'a-linux-arm64'",
        ),
        (
            "{a: {per-platform: {linux/arm64: {requirements: web}}}}",
            "images.a.per-platform.linux/arm64.requirements: no set of requirements named 'web'",
        ),
    ],
)
def test_what_does_not_fit_together(images: str, problem: str) -> None:
    found = _problems(f"version: 1\n\nimages:\n  {images}\n")
    assert problem in found[0]
    assert found[0].startswith("buildspec.yaml:4:")


def test_mistakes_in_groups() -> None:
    text = (
        "version: 1\nimages: {api: {}, b: {}}\ngroups:\n  api: [b]\n  all: [api, c]\n  none: []\n"
    )
    assert _problems(text) == ["buildspec.yaml:6:9: groups.none: empty; name at least one"]
    assert _problems(text.replace("  none: []\n", "")) == [
        "buildspec.yaml:4:8: groups.api: an image has this name; rename the group",
        "buildspec.yaml:5:14: groups.all.1: no image named 'c'; there is api, b",
    ]
