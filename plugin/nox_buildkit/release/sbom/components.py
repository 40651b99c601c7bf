"""The parts that an image consists of: Python packages of the lock, packages of Debian, the base.

Sources: package-url (purl) specification, types pypi, deb and oci, with the qualifier ``upstream``
that scanners read; Debian policy, status files of dpkg(1), and of images without dpkg (status.d).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from packageurl import PackageURL

from nox_buildkit.plan.packages import Package

ComponentKind = Literal["python", "debian"]


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """A package in an image; ``sha256``: of the file that it was installed from, where known."""

    kind: ComponentKind
    name: str
    version: str
    purl: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The image of one platform that a document is about.

    ``digest``: of its manifest; ``created``: seconds since 1970, those of the commit.
    """

    name: str
    version: str
    platform: str
    digest: str
    created: int = 0

    @property
    def purl(self) -> str:
        architecture = self.platform.split("/")[1]
        return PackageURL("oci", None, self.name, self.digest, {"arch": architecture}).to_string()


def python_components(packages: Iterable[Package]) -> Iterator[Component]:
    """Yield a component for each package of the lock; ``sha256`` is that of its wheel or sdist."""
    for package in packages:
        purl = PackageURL("pypi", None, package.name, package.version or None).to_string()
        yield Component("python", package.name, package.version, purl, package.sha256)


def is_status(path: str) -> bool:
    """Tell whether ``path`` is a file of an image that lists Debian packages."""
    return path == "/var/lib/dpkg/status" or (
        path.startswith("/var/lib/dpkg/status.d/") and not path.endswith(".md5sums")
    )


def debian_components(
    files: Mapping[str, bytes], distribution: tuple[str, str]
) -> Iterator[Component]:
    """Yield a component for each package in the status ``files``.

    ``distribution``: ID and VERSION_ID of os-release(5).
    """
    # Only releases need it.
    from debian.deb822 import Packages  # noqa: PLC0415

    name, version = distribution
    distro = "-".join(part for part in (name, version) if part)
    for path in sorted(files):
        for entry in Packages.iter_paragraphs(files[path], use_apt_pkg=False):
            if "Package" not in entry or "deinstall" in entry.get("Status", ""):
                continue
            package, release = entry["Package"], entry.get("Version", "")
            qualifiers = {
                "arch": entry.get("Architecture", ""),
                "distro": distro,
                "upstream": _upstream(entry.get("Source", "")),
            }
            purl = PackageURL("deb", name or "debian", package, release, qualifiers).to_string()
            yield Component("debian", package, release, purl)


def _upstream(source: str) -> str:
    """Return the source package of the field Source (``NAME`` or ``NAME (VERSION)``).

    Debian's security data are by source package; without the field, it has the package's name.
    """
    name, _, version = source.partition(" ")
    return f"{name}@{version.strip(' ()')}" if version else name
