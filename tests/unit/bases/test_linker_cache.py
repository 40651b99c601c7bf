"""The cache of the dynamic linker, as glibc's own ldconfig reads it."""

from __future__ import annotations

import random
import subprocess
import sysconfig
from pathlib import Path

from nox_buildkit.bases.image_inspection import Files
from nox_buildkit.bases.linker_cache import Elf, cache, folders, libraries, missing, order, read_elf

HERE = Path("/usr/lib", str(sysconfig.get_config_var("MULTIARCH")))


def _machine() -> tuple[dict[str, str | None], dict[str, Elf]]:
    """Files and links of this machine's folder of libraries, and what is in the files."""
    paths = sorted([*HERE.glob("libc.so*"), *HERE.glob("libc[a-r]*.so*")])
    links = {str(p)[1:]: str(p.readlink()) if p.is_symlink() else None for p in paths}
    links |= {"lib": "usr/lib", "usr": None, "usr/lib": None, str(HERE)[1:]: None}
    elves = {str(p)[1:]: read_elf(p.read_bytes()) for p in paths if p.is_file()}
    return links, {path: elf for path, elf in elves.items() if elf}


def test_ldconfig_reads_the_same_cache_whatever_the_order_of_files(tmp_path: Path) -> None:
    links, elves = _machine()
    made = set()
    for seed in range(3):
        shuffled = list(links.items())
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret
        found = libraries(Files(dict(shuffled)), elves, [f"/lib/{HERE.name}", str(HERE)])
        made.add(cache(found))
    (content,) = made
    (tmp_path / "cache").write_bytes(content)
    command = ["/sbin/ldconfig", "-p", "-C", str(tmp_path / "cache")]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # By the first name of the folder, which is there by two.
    assert f" => /lib/{HERE.name}/libc.so.6\n" in listed
    assert listed.startswith(f"{len(found)} libs found")


def test_names_are_in_the_order_in_which_glibc_searches() -> None:
    names = ["libz.so.1", "liba.so.10", "liba.so.9", "liba.so", "liba-x.so", "lib1.so", "libA.so"]
    ranked = ["lib1.so", "libz.so.1", "liba.so.10", "liba.so.9", "liba.so", "liba-x.so", "libA.so"]
    assert sorted(names, key=order, reverse=True) == ranked


def test_folders_are_those_of_the_configuration_and_then_the_usual_ones() -> None:
    contents = {
        "etc/ld.so.conf": b"include /etc/ld.so.conf.d/*.conf\n/opt/x/lib # theirs\n",
        "etc/ld.so.conf.d/b.conf": b"# comment\n/usr/local/lib\n",
        "etc/ld.so.conf.d/a.conf": b"/opt/a\n/usr/lib/\n",
        "etc/ld.so.conf.d/other": b"/opt/other\n",
    }
    assert folders(contents) == ["/opt/a", "/usr/lib", "/usr/local/lib", "/opt/x/lib", "/lib"]


def test_a_library_that_no_link_leads_to_is_missing() -> None:
    paths = ("usr/bin/ffmpeg", "usr/lib/libav.so.1", "usr/lib/blas/libblas.so.3", "opt/x/plugin.so")
    links: dict[str, str | None] = dict.fromkeys(paths)
    links |= dict.fromkeys(("usr", "usr/bin", "usr/lib", "usr/lib/blas", "opt", "opt/x"))

    def elf(*needed: str, soname: str = "") -> Elf:
        return Elf("EM_X86_64", soname, needed, ())

    elves = {
        "usr/bin/ffmpeg": elf("libav.so.1"),
        "usr/lib/libav.so.1": elf("libblas.so.3", soname="libav.so.1"),
        "usr/lib/blas/libblas.so.3": elf(soname="libblas.so.3"),
        # Nobody needs it, who does not bring along what it needs.
        "opt/x/plugin.so": elf("libnowhere.so.1"),
    }
    files = Files(links)
    known = libraries(files, elves, ["/usr/lib"])
    assert missing(files, elves, known, "EM_X86_64") == {"libblas.so.3": ["usr/lib/libav.so.1"]}
    links["usr/lib/libblas.so.3"] = "blas/libblas.so.3"
    assert not missing(files, elves, libraries(files, elves, ["/usr/lib"]), "EM_X86_64")
