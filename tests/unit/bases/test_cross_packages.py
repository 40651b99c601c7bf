"""Debian packages for the machine that compiles, and for the one that is compiled for."""

from __future__ import annotations

from nox_buildkit.bases.cross_packages import Placing, cross_packages
from nox_buildkit.debian.package_names import installed_names
from nox_buildkit.oci.platform import PLATFORMS

ARM64 = PLATFORMS["linux/arm64"]


def test_libraries_are_of_the_target_and_programs_of_the_machine() -> None:
    stated = (
        ("libyaml-dev", "same", "amd64", "libdevel"),
        # Headers with a program beside them.
        ("libpq-dev", "", "amd64", "libdevel"),
        ("unixodbc-dev", "same", "amd64", "devel"),
        ("freetds-dev", "", "amd64", "devel"),
        # It is the same for every architecture.
        ("xtensor-dev", "", "all", "libdevel"),
        ("cmake", "foreign", "amd64", "devel"),
        ("swig", "foreign", "amd64", "interpreters"),
        ("python3-numpy", "", "amd64", "python"),
        ("python3-dev", "allowed", "amd64", "python"),
        # Sources, which require a Python of their own architecture.
        ("librust-pyo3-ffi-dev", "same", "amd64", "rust"),
    )
    known = {row[0]: Placing(*row) for row in stated}
    found = cross_packages((*known, "not-known"), ARM64, known)
    libraries = {"libyaml-dev", "libpq-dev", "unixodbc-dev", "freetds-dev"}
    assert {name.removesuffix(":arm64") for name in found if name.endswith(":arm64")} == {
        *libraries,
        *("libc6-dev", "libpython3-dev", "pkgconf"),
    }
    rest = {name for name in found if ":" not in name}
    compilers = {"gcc-aarch64-linux-gnu", "g++-aarch64-linux-gnu"}
    assert rest == {*compilers, *(known.keys() - libraries), "not-known"}


def test_other_languages_have_what_they_need_for_the_target() -> None:
    riscv = PLATFORMS["linux/riscv64"]
    assert "libstd-rust-dev:riscv64" in cross_packages(["cargo"], riscv, {})
    assert "gfortran-riscv64-linux-gnu" in cross_packages(["gfortran"], riscv, {})
    # Debian's names of packages have no underscore.
    assert "gcc-x86-64-linux-gnu" in cross_packages([], PLATFORMS["linux/amd64"], {})


def test_a_package_of_the_target_provides_names_of_the_target() -> None:
    controls = {"pkgconf:arm64": "Package: pkgconf\nProvides: pkg-config (= 1.8)\n"}
    asked = ["pkg-config:arm64", "pkgconf:arm64", "pkg-config"]
    assert installed_names(asked, controls) == {
        "pkg-config:arm64": "pkgconf:arm64",
        "pkgconf:arm64": "pkgconf:arm64",
    }
