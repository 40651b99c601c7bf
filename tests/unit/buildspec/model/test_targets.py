"""Images that build on each other, and what differs between platforms."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from nox_buildkit.buildspec.model.targets import targets_of, with_ancestors
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import SpecError

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
    assert (api.name, api.platforms, api.parent) == ("api", ("linux/arm64",), common)
    assert (other.name, other.parent) == ("api-linux-amd64", None)
    assert other.variant.env == {"A": "1", "B": "3"}
    assert str(other.location("base")).startswith("buildspec.yaml:12:27")
    assert str(other.location("python")).startswith("buildspec.yaml:12:7")

    # On a target that is two, an image is two.
    first, second = targets_of(spec, "tool")
    assert (first.platforms, first.root.name) == (("linux/amd64",), "api-linux-amd64")
    assert (second.platforms, second.root.name) == (("linux/arm64",), "common")
    assert with_ancestors(spec, ["tool"]) == ("common", "api", "tool")


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        ("{a: {base: 'target:bas'}, base: {}}", "images.a.base: no image named 'bas'; did"),
        ("{a: {base: 'target:a'}}", "images.a.base: an image cannot build on itself"),
        (
            "{a: {files: [{from: 'target:bas', source: /x, target: /srv/x}]}, base: {}}",
            "images.a.files.0.from: no image named 'bas'; did you mean 'base'?",
        ),
        (
            "{a: {files: [{from: 'target:a', source: /x, target: /srv/x}]}}",
            "images.a.files.0.from: 'a' is made of this image; take the file elsewhere",
        ),
        (
            "{a: {base: 'target:b'}, b: {files: [{from: 'target:a', source: /x, target: /srv/x}]}}",
            "images.a.base: an image cannot build on itself",
        ),
        (
            "{a: {files: [{from: 'target:b', source: /x, target: /srv/x}]}, "
            "b: {per-platform: {linux/arm64: "
            "{files: [{from: 'target:a', source: /x, target: /srv/x}]}}}}",
            "images.a.files.0.from: 'b' is made of this image",
        ),
        (
            "{a: {files: [{from: 'target:b', source: /x, target: /srv/x}]}, "
            "b: {platforms: [linux/amd64]}}",
            "images.a.files.0.from: 'b' is not built for linux/arm64; add it to",
        ),
        (
            "{a: {base: 'target:b'}, b: {base: 'target:a'}}",
            "images.a.base: an image cannot build on itself",
        ),
        (
            "{a: {base: 'target:b'}, b: {platforms: [linux/amd64]}}",
            "images.a.base: 'b' is not built for linux/arm64; add it to images.b.platforms",
        ),
        (
            "{a: {base: 'target:b', python: '3.12'}, b: {python: '3.13'}}",
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
            "{a: {repositories: [ghcr.io/o/app], tags: [x, y]}, "
            "b: {repositories: ['docker.io/o/{image}', ghcr.io/o/app], tags: [y]}}",
            "images.b.repositories: the tag 'y' of ghcr.io/o/app would be that of a, too; "
            "write '{image}' in the repository",
        ),
        (
            "{a: {repositories: [ghcr.io/o/app]}, b: {repositories: [ghcr.io/o/app]}}",
            "images.b.repositories: the tag '{version}' of ghcr.io/o/app would be that of a, too",
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


def _images(count: int, of: Callable[[int], str]) -> str:
    return "version: 1\nimages:\n" + "".join(f"  image-{n}: {of(n)}\n" for n in range(count))


def _taking(number: int) -> str:
    return f"{{files: [{{from: 'target:image-{number}', source: /x, target: /srv/x}}]}}"


@pytest.mark.parametrize(
    ("text", "first", "count"),
    [
        (
            _images(2400, lambda n: f"{{base: 'target:image-{n - 1}'}}" if n else "{}"),
            "buildspec.yaml:103:21: images.image-100.base: there are 100 images below this one",
            1,
        ),
        (
            _images(2400, lambda n: f"{{base: 'target:image-{n + 1}'}}" if n < 2399 else "{}"),
            "buildspec.yaml:2302:22: images.image-2299.base: there are 100 images below this one",
            1,
        ),
        (
            _images(2400, lambda n: f"{{base: 'target:image-{(n + 1) % 2400}'}}"),
            "buildspec.yaml:3:19: images.image-0.base: an image cannot build on itself",
            2400,
        ),
        (
            _images(900, lambda n: _taking(n + 1) if n < 899 else "{}"),
            "buildspec.yaml:802:22: images.image-799.files: there are 100 images below this one",
            1,
        ),
        (
            _images(900, lambda n: _taking((n + 1) % 900)),
            "images.image-0.files.0.from: 'image-1' is made of this image",
            900,
        ),
        (
            _images(2400, lambda n: f"{{base: 'target:imaeg-{n}'}}"),
            "no image named 'imaeg-0'; did you mean 'image-0'?",
            2400,
        ),
        (
            _images(2400, lambda _: "{}")
            + f"groups: {{g: [{', '.join(f'imaeg-{n}' for n in range(4000))}]}}",
            "no image named 'imaeg-0'; did you mean 'image-0'?",
            4000,
        ),
        (
            _images(2300, lambda n: f"{{requirements: sett-{n}}}")
            + f"requirements: {{{', '.join(f'set-{n}: {{source: a.in}}' for n in range(100))}}}",
            "did you mean 'set-0'?",
            2300,
        ),
    ],
    ids=[
        "upwards",
        "downwards",
        "circle",
        "files",
        "files in a circle",
        "unknown",
        "group",
        "requirements",
    ],
)
def test_thousands_of_images_take_no_time_and_no_flood(text: str, first: str, count: int) -> None:
    began = time.process_time()
    with pytest.raises(SpecError) as caught:
        parse(text, "buildspec.yaml")
    reported = str(caught.value)
    assert time.process_time() - began < 2
    assert first in reported.splitlines()[0]
    assert len(caught.value.problems) == count
    assert len(reported) < 8192


def test_only_what_is_in_a_circle_builds_on_itself() -> None:
    text = """\
version: 1
images:
  a: {base: 'target:b'}
  b: {base: 'target:a', per-platform: {linux/arm64: {base: 'target:c'}}}
  c: {base: 'target:d'}
  d: {base: 'target:c'}
  e: {base: 'target:a'}
"""
    circular = [line for line in _problems(text) if "itself" in line]
    assert [line.split(" ")[1] for line in circular] == [
        "images.a.base:",
        "images.b.base:",
        "images.c.base:",
        "images.d.base:",
    ]


def test_a_hundred_images_on_each_other_are_read() -> None:
    text = _images(100, lambda n: f"{{base: 'target:image-{n + 1}'}}" if n < 99 else "{}")
    spec = parse(text, "buildspec.yaml")
    assert [target.root.name for target in targets_of(spec, "image-0")] == ["image-99"]
    assert with_ancestors(spec, ["image-0"])[0] == "image-99"


@pytest.mark.parametrize("key", ["cache: gha", "sign: {key: a, public-key: b}", "cuda: true"])
def test_keys_of_the_whole_image_go_with_keys_of_a_platform(key: str) -> None:
    spec = parse(
        f"version: 1\nimages: {{a: {{{key}, per-platform: {{linux/arm64: {{env: {{A: b}}}}}}}}}}\n",
        "buildspec.yaml",
    )
    assert [target.variant.env for target in targets_of(spec, "a")] == [{}, {"A": "b"}]


@pytest.mark.parametrize(
    ("cache", "problem"),
    [
        ("s3", "'s3' is not a cache by itself (registry, local, gha)"),
        ("{type: local, path: '.'}", "'.' is the folder of the project; write it like"),
        ("{type: gha, ref: a.b/c}", "'ref' is not for a cache of type gha"),
        (
            "{type: s3, bucket: a, region: b, session_token: c}",
            "credentials do not belong in a file; set AWS_ACCESS_KEY_ID",
        ),
        ("{type: s3, bucket: a, region: b, endpoint: 'https://u:p@h'}", "without credentials"),
        ("{type: s3, bucket: a, region: b, endpoint_url: a}", "did you mean 'endpoint'?"),
    ],
)
def test_caches_that_cannot_be(cache: str, problem: str) -> None:
    (found,) = _problems(f"version: 1\nimages: {{a: {{cache: {cache}}}}}\n")
    assert problem in found
    assert "u:p" not in found


def test_images_share_a_repository_by_tags_of_their_own() -> None:
    images = "{a: {tags: [a-latest]}, b: {tags: [b-latest]}}"
    text = f"version: 1\ndefaults: {{repositories: [ghcr.io/o/app]}}\nimages: {images}\n"
    spec = parse(text, "buildspec.yaml")
    assert spec.repositories_of("a") == spec.repositories_of("b") == ("ghcr.io/o/app",)


def test_keys_of_a_platform_are_merged_with_those_of_all_images() -> None:
    text = """\
version: 1
defaults: {per-platform: {linux/arm64: {apt: [libpq5], env: {A: "1", B: "1"}}}}
images: {api: {per-platform: {linux/arm64: {env: {B: "2"}}}}}
"""
    small = parse(text, "buildspec.yaml").images["api"].per_platform["linux/arm64"]
    assert (small.apt, small.env) == (("libpq5",), {"A": "1", "B": "2"})


@pytest.mark.parametrize(
    ("defaults", "image"),
    [
        ("prestart: [[python, m]]", "command: [x]"),
        ("steps-apt: [gettext]", "steps: [{run: [x], output: [y]}]"),
        ("attest: {vex: [v.json]}", "sign: {key: k, public-key: p}"),
        ("immutable-tags: [stable]", "tags: [stable, latest]"),
        ("command: ['${A}']", "command: [sh, -c, '${A:?}']"),
    ],
)
def test_keys_for_all_images_need_not_be_an_image(defaults: str, image: str) -> None:
    text = f"version: 1\ndefaults: {{{defaults}}}\nimages: {{api: {{{image}}}}}\n"
    assert parse(text, "buildspec.yaml").images["api"]
    # What does not fit is told once, where it was written.
    alone = f"version: 1\ndefaults: {{{defaults}}}\nimages: {{api: {{}}, other: {{}}}}\n"
    if "command" not in defaults:
        (problem,) = _problems(alone)
        assert problem.startswith("buildspec.yaml:2:"), problem


def test_what_only_platforms_have_is_checked_on_them() -> None:
    own = "{command: [x], prestart: [[python, m]]}"
    every = "platforms: [linux/amd64], prestart: [[python, m]]"
    text = f"version: 1\nimages: {{api: {{{every}, per-platform: {{linux/amd64: {own}}}}}}}\n"
    assert parse(text, "buildspec.yaml").images["api"].prestart
