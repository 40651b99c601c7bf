"""The Debian package of a library that an image misses: looked up, or by the rule of names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from nox_buildkit.debian.library_index import packages_of
from nox_buildkit.debian.releases import debian_suite
from nox_buildkit.errors import EngineError
from nox_buildkit.oci.platform import PLATFORMS
from nox_buildkit.verify.libraries import Findings, Missing


def with_packages(found: Findings, platform: str, tell: Callable[[str], None]) -> Iterator[str]:
    """A sentence for each library that is missing in the image of ``platform``, with its package.

    For an image of Debian, its archive is asked if there is anything to ask: ``tell`` hears of it.
    Where that is not possible, the package is the one that the library usually is in.
    """
    suite = debian_suite(found.distribution)
    known = _looked_up(found.missing, suite, platform, tell)
    for missing in found.missing:
        if known is None:
            package = _usual(missing.name)
        elif missing.name in known:
            package = f"; it is in Debian's package {known[missing.name]}"
        else:
            package = (
                f"; no package of Debian {suite} (main) has it, so it may belong to another "
                "Python package or come from a vendor"
            )
        yield f"{missing.name} is not in the image, and {_who(missing)}{package}"


def _looked_up(
    missing: Sequence[Missing], suite: str, platform: str, tell: Callable[[str], None]
) -> dict[str, str] | None:
    """The packages that the archive names, by library; None where it cannot be asked."""
    if not missing or not suite or platform not in PLATFORMS:
        return None
    libraries = [each.name for each in missing]
    try:
        return packages_of(libraries, suite, PLATFORMS[platform].debian, tell)
    except EngineError as error:
        # The image is built: a better word for a warning is not worth an error.
        tell(f"packages of missing libraries are named by the usual rule, not looked up: {error}")
        return None


def _usual(library: str) -> str:
    """The Debian package of a library, by the rule that names them (Debian policy, 8.1)."""
    match = re.fullmatch(r"(.+)\.so\.([0-9.]+)", library)
    if not match:
        return ""
    name, version = match[1].lower().replace("_", "-"), match[2]
    separator = "-" if name[-1].isdigit() else ""
    if re.search(r"[0-9]\.[0-9]", name):
        # libpython3.13.so.1.0: the version that matters is in the name.
        separator = version = ""
    return f"; Debian's package is usually named {name}{separator}{version}"


def _who(missing: Missing) -> str:
    first, *more = missing.needed_by
    return f"/{first} needs it" if not more else f"/{first} and {len(more)} more need it"
