"""Releases of distributions that get no more security updates, and those that Python dislikes."""

from __future__ import annotations

from datetime import date

#: ID and VERSION_ID of os-release(5) → the last day with security updates for everyone (Debian: of
#: its long-term support). Sources: wiki.debian.org/LTS, ubuntu.com/about/release-cycle,
#: alpinelinux.org/releases.
_LAST_DAY = {
    ("debian", "9"): date(2022, 6, 30),
    ("debian", "10"): date(2024, 6, 30),
    ("debian", "11"): date(2026, 8, 31),
    ("debian", "12"): date(2028, 6, 30),
    ("debian", "13"): date(2030, 6, 30),
    ("ubuntu", "18.04"): date(2023, 5, 31),
    ("ubuntu", "20.04"): date(2025, 5, 31),
    ("ubuntu", "22.04"): date(2027, 4, 30),
    ("ubuntu", "24.04"): date(2029, 4, 30),
    ("alpine", "3.18"): date(2025, 5, 9),
    ("alpine", "3.19"): date(2025, 11, 1),
    ("alpine", "3.20"): date(2026, 4, 1),
    ("alpine", "3.21"): date(2026, 11, 1),
    ("alpine", "3.22"): date(2027, 5, 1),
}

#: VERSION_ID of Debian → the suite of its archive, of releases that mirrors still have.
_SUITES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}


def distribution(os_release: bytes) -> tuple[str, str]:
    """ID and VERSION_ID of the file os-release(5); "" for what it does not say."""
    lines = os_release.decode(errors="replace").splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values.get("ID", "").strip("\"'"), values.get("VERSION_ID", "").strip("\"'")


def debian_suite(distribution: tuple[str, str]) -> str:
    """The suite of Debian's archive that a ``distribution`` is; "" if it is no known one."""
    name, version = distribution
    return _SUITES.get(version, "") if name == "debian" else ""


def warnings(distribution: tuple[str, str], today: date) -> tuple[str, ...]:
    """Return warnings for builds on the ``distribution`` (ID and VERSION_ID)."""
    name, version = distribution
    # Alpine states a point release: 3.20.3.
    release = ".".join(version.split(".")[:2]) if name == "alpine" else version
    said = []
    last = _LAST_DAY.get((name, release))
    if last and today > last:
        said.append(f"{name.title()} {release} has had no security updates since {last}")
    if name == "alpine":
        said.append(
            "Alpine has musl and not glibc: Python is slower on it, and many packages have no "
            "wheels for it"
        )
    return tuple(said)
