"""Which wheel each platform gets, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from packaging.pylock import Pylock

from nox_buildkit.errors import Code, PlanError
from nox_buildkit.facts.coverage import cover
from nox_buildkit.oci.platform import PLATFORMS, KnownPlatform
from nox_buildkit.plan.package_selection import Selection, select_packages
from nox_buildkit.plan.wheel_platforms import Libc, uv_platform
from tests.support.codes import coded

GLIBC = Libc("glibc", (2, 36))
BOTH = (PLATFORMS["linux/amd64"], PLATFORMS["linux/arm64"])


def package(
    name: str, *tags: str, marker: str | None = None, sdist: bool = False, version: str = "1.0"
) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "version": version}
    if marker:
        entry["marker"] = marker
    if tags:
        entry["wheels"] = [
            {
                "url": f"https://index.example/{name.replace('-', '_')}-{version}-{tag}.whl",
                "hashes": {"sha256": f"{index:064x}"},
            }
            for index, tag in enumerate(tags, 1)
        ]
    if sdist:
        entry["sdist"] = {
            "url": f"https://index.example/{name}-{version}.tar.gz",
            "hashes": {"sha256": "f" * 64},
        }
    return entry


def lock(*packages: dict[str, Any]) -> Pylock:
    return Pylock.from_dict(
        {"lock-version": "1.0", "created-by": "test", "packages": list(packages)}
    )


def select(found: Pylock, platforms: Sequence[KnownPlatform], python: str, libc: Libc) -> Selection:
    return select_packages(cover(found, platforms, python, libc), platforms, python, libc)


def names(packages: Sequence[Any]) -> list[str]:
    return [p.filename for p in packages]


def test_a_wheel_for_any_platform_is_shared_and_others_are_not() -> None:
    selection = select(
        lock(
            package("pure", "py3-none-any"),
            package(
                "fast", "cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_17_aarch64"
            ),
        ),
        BOTH,
        "3.13",
        GLIBC,
    )

    assert names(selection.pure) == ["pure-1.0-py3-none-any.whl"]
    assert names(selection.native["linux/amd64"]) == [
        "fast-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    ]
    assert names(selection.native["linux/arm64"]) == [
        "fast-1.0-cp313-cp313-manylinux_2_17_aarch64.whl"
    ]


def test_a_pure_wheel_that_only_one_platform_wants_is_not_shared() -> None:
    selection = select(
        lock(
            package("only-arm", "py3-none-any", marker="platform_machine == 'aarch64'"),
            package("half", "py3-none-any", "cp313-cp313-manylinux_2_17_x86_64"),
        ),
        BOTH,
        "3.13",
        GLIBC,
    )

    assert selection.pure == ()
    assert names(selection.native["linux/amd64"]) == [
        "half-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    ]
    assert names(selection.native["linux/arm64"]) == [
        "half-1.0-py3-none-any.whl",
        "only_arm-1.0-py3-none-any.whl",
    ]


def test_of_wheels_that_differ_in_their_build_number_alone_the_newest_is_chosen() -> None:
    tag = "cp313-cp313-manylinux_2_17_x86_64"
    builds = [tag, f"2-{tag}", f"10-{tag}", f"2b-{tag}", f"99-{tag.replace('2_17', '2_5')}"]

    selection = select(lock(package("x", *builds)), BOTH[:1], "3.13", GLIBC)

    assert names(selection.native["linux/amd64"]) == [f"x-1.0-10-{tag}.whl"]


@pytest.mark.parametrize(
    ("minor", "chosen"),
    [(28, "manylinux_2_28"), (34, "manylinux_2_34"), (41, "manylinux_2_34")],
)
def test_the_newest_wheel_that_the_base_can_run_is_chosen(minor: int, chosen: str) -> None:
    tags = [f"cp313-cp313-manylinux_2_{minor}_x86_64" for minor in (17, 28, 34)]

    selection = select(lock(package("x", *tags)), BOTH[:1], "3.13", Libc("glibc", (2, minor)))

    assert chosen in selection.native["linux/amd64"][0].filename


def test_a_base_with_musl_gets_the_wheels_for_musl() -> None:
    found = lock(
        package("x", "cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-musllinux_1_2_x86_64")
    )

    selection = select(found, BOTH[:1], "3.13", Libc("musl", (1, 2)))

    assert names(selection.native["linux/amd64"]) == ["x-1.0-cp313-cp313-musllinux_1_2_x86_64.whl"]


def test_the_stable_abi_of_an_older_python_will_do() -> None:
    found = lock(package("x", "cp39-abi3-manylinux2014_x86_64"))

    assert select(found, BOTH[:1], "3.13", GLIBC).native["linux/amd64"]


def test_every_package_without_a_wheel_is_named_with_its_platform() -> None:
    missing = lock(
        package("musl-only", "cp313-cp313-musllinux_1_2_x86_64", sdist=True),
        package("no-arm", "cp313-cp313-manylinux_2_17_x86_64", sdist=True),
        package("source", sdist=True, version="2.0"),
    )

    with pytest.raises(PlanError) as caught:
        select(missing, BOTH, "3.13", GLIBC)

    said = [str(problem) for problem in caught.value.problems]
    assert [" ".join(line.split()[:7]) for line in said] == [
        "musl-only 1.0 has no wheel for linux/amd64",
        "source 2.0 has no wheel for linux/amd64",
        "musl-only 1.0 has no wheel for linux/arm64",
        "no-arm 1.0 has no wheel for linux/arm64",
        "source 2.0 has no wheel for linux/arm64",
    ]
    assert "CPython 3.13, glibc 2.36" in said[0]
    assert "pin a version that has one" in said[0]


def test_a_package_with_neither_wheel_nor_sdist_is_missing_on_that_platform_alone() -> None:
    half = lock(
        package("no-arm", "cp313-cp313-manylinux_2_17_x86_64"), package("b", "py3-none-any")
    )

    with pytest.raises(PlanError) as caught:
        select(half, BOTH, "3.13", GLIBC)

    [problem] = caught.value.problems
    assert "no-arm 1.0 has no wheel for linux/arm64" in problem.message
    assert "and no source distribution" in problem.message
    assert names(select(half, BOTH[:1], "3.13", GLIBC).pure) == ["b-1.0-py3-none-any.whl"]


def test_a_lock_that_has_a_package_twice_for_a_platform_is_refused() -> None:
    twice = lock(
        package("x", "py3-none-any"),
        package("x", "py3-none-any", version="2.0", marker="platform_machine == 'aarch64'"),
    )

    with (
        pytest.raises(PlanError, match=r"x twice for linux/arm64: 1\.0 and 2\.0"),
        coded(Code.LOCK_MISFIT),
    ):
        cover(twice, BOTH, "3.13", GLIBC)


@pytest.mark.parametrize(
    ("libc", "named"),
    [
        (Libc("glibc", (2, 17)), "aarch64-manylinux_2_17"),
        (Libc("glibc", (2, 30)), "aarch64-manylinux_2_28"),
        (Libc("glibc", (2, 36)), "aarch64-manylinux_2_36"),
        (Libc("glibc", (2, 41)), "aarch64-manylinux_2_40"),
        (Libc("musl", (1, 2)), "aarch64-unknown-linux-musl"),
    ],
)
def test_uv_is_asked_for_a_platform_that_it_knows(libc: Libc, named: str) -> None:
    assert uv_platform(PLATFORMS["linux/arm64"], libc) == named


def test_markers_are_compared_with_the_patch_release_of_the_image() -> None:
    backport = lock(package("x", "py3-none-any", marker="python_full_version < '3.11.3'"))

    for python, names in (("3.11.2", ["x"]), ("3.11.4", []), ("3.11", ["x"])):
        found = cover(backport, BOTH, python, GLIBC)["linux/amd64"]
        assert [file.name for file in found] == names
