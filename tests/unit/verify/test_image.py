"""Checks of an image that start nothing, each provoked by an image that fails it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from nox_buildkit.oci.image_writer import Entry, PlatformImage, write_images
from nox_buildkit.oci.layout import Layout
from nox_buildkit.oci.platform import host_platform
from nox_buildkit.plan.wheel_platforms import Libc
from nox_buildkit.verify.image import Expected, verify_image
from nox_buildkit.verify.leaks import found_in, found_in_text, needles_for

AMD64 = "linux/amd64"
SITE = "opt/venv/lib/python3.13/site-packages"
INFO = f"{SITE}/demo_pkg-1.0.dist-info"
GLIBC = Libc("glibc", (2, 41))
PROCESS = {"User": "10001:10001", "Entrypoint": ["/opt/venv/bin/serve"]}
EXPECTED = Expected({"Demo_Pkg": "1.0"}, ("app",), GLIBC, {"User": "10001:10001"})
NEEDLES = needles_for(["s3cr3t-value", "me:s3cr3t-value"], ["index.corp.example"], [b"MIIcert"])


def recorded(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(content)}"


def files(
    name: str = "demo_pkg", version: str = "1.0", more: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """What an installer makes of a small wheel, with ``more`` files by path in the library."""
    code = b"VALUE = 1\n"
    info = f"{SITE}/{name}-{version}.dist-info"
    listed = "".join(f"{path},{recorded(content)}\n" for path, content in (more or {}).items())
    record = (
        f"{name}/__init__.py,{recorded(code)}\n"
        f"{name}/__pycache__/__init__.cpython-313.pyc,,\n"
        f"{listed}"
        f"{name}-{version}.dist-info/RECORD,,\n"
    )
    return {
        f"{SITE}/{name}/__init__.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/RECORD": record.encode(),
        "opt/venv/bin/serve": b"#!/opt/venv/bin/python\n",
        "app/main.py": b"print('hello')\n",
        **{f"{SITE}/{path}": content for path, content in (more or {}).items()},
    }


class Made:
    """An image of one layer, and what is found in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warnings: list[str] = []

    def __call__(
        self,
        content: dict[str, bytes],
        expected: Expected | None = EXPECTED,
        process: dict[str, object] | None = None,
        annotations: dict[str, str] | None = None,
    ) -> list[str]:
        layer = tuple(map(self._entry, content.items()))
        image = PlatformImage(AMD64, layer, process or PROCESS, annotations or {})
        write_images(self.folder, [image])
        layout = Layout(self.folder)
        (top,) = layout.entries()
        wanted = {AMD64: expected} if expected else {}
        found = verify_image(layout, top.digest, wanted, NEEDLES)
        assert all(finding.platform == AMD64 for finding in found)
        self.warnings = [each.message for each in found if each.severity == "warning"]
        return [each.message for each in found if each.severity == "problem"]

    def _entry(self, item: tuple[str, bytes]) -> Entry:
        info = tarfile.TarInfo(item[0])
        info.mode = 0o755
        return Entry(info, item[1])


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    yield Made(tmp_path / "layout")


def test_a_good_image_has_nothing_that_is_wrong(found: Made) -> None:
    assert found(files()) == []
    assert found(files(), expected=None) == []


def test_installed_distributions_are_those_of_the_lock(found: Made) -> None:
    locked = replace(EXPECTED, packages={"demo-pkg": "1.0.0", "other": "2.0"})
    assert found(files(), locked) == ["other 2.0 of the lock is not installed"]
    assert found(files(version="1.1")) == ["demo-pkg is 1.1, and 1.0 in the lock"]
    assert found({**files(), **files("extra", "3")}) == [
        "extra 3 is installed, and not in the lock"
    ]
    # The version of a project of its own may be known to its build backend alone.
    assert found(files(), replace(EXPECTED, packages={"demo-pkg": ""})) == []


def test_files_are_as_their_record_says(found: Made) -> None:
    changed = {**files(), f"{SITE}/demo_pkg/__init__.py": b"VALUE = 2\n"}
    assert found(changed) == [
        f"demo-pkg: not as its RECORD says: /{SITE}/demo_pkg/__init__.py was changed"
    ]
    lost = files()
    del lost[f"{SITE}/demo_pkg/__init__.py"]
    assert found(lost) == [
        f"demo-pkg: not as its RECORD says: /{SITE}/demo_pkg/__init__.py is missing"
    ]


def test_a_file_of_several_distributions_is_that_of_any_of_them(found: Made) -> None:
    locked = replace(EXPECTED, packages={"demo-pkg": "1.0", "other": "2.0"})
    first, last = {"README.md": b"first\n"}, {"README.md": b"last\n"}
    assert found({**files(more=first), **files("other", "2.0", last)}, locked) == []
    assert found({**files("other", "2.0", last), **files(more=first)}, locked) == []
    both = {**files(more=first), **files("other", "2.0", last), f"{SITE}/README.md": b"evil\n"}
    assert found(both, locked) == [
        f"{name}: not as its RECORD says: /{SITE}/README.md was changed"
        for name in ("demo-pkg", "other")
    ]


def elf(machine: int) -> bytes:
    """The header of a shared object for a machine (elf(5))."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + (3).to_bytes(2, "little")
    head += machine.to_bytes(2, "little") + (1).to_bytes(4, "little") + bytes(24)
    return head + bytes(4) + (64).to_bytes(2, "little") + bytes(10)


def test_machine_code_is_of_the_platform(found: Made) -> None:
    assert found({**files(), "app/fast.so": elf(62)}) == []
    assert found({**files(), "app/fast.so": elf(183)}) == [
        "/app/fast.so is made for another machine (EM_AARCH64)"
    ]


def test_a_package_for_every_machine_may_have_programs_of_several(found: Made) -> None:
    wheel = b"Wheel-Version: 1.0\nRoot-Is-Purelib: %s\nTag: py3-none-any\n"
    programs = {"demo_pkg/linux.so": elf(62), "demo_pkg/arm64.so": elf(183)}
    info = f"{SITE}/demo_pkg-1.0.dist-info"

    assert found({**files(more=programs), f"{info}/WHEEL": wheel % b"true"}) == []
    said = [f"/{SITE}/demo_pkg/arm64.so is made for another machine (EM_AARCH64)"]
    assert found({**files(more=programs), f"{info}/WHEEL": wheel % b"false"}) == said
    # What is in no RECORD came otherwise.
    pure = {**files(more=programs), f"{info}/WHEEL": wheel % b"true"}
    assert found({**pure, "app/fast.so": elf(183)}) == [
        "/app/fast.so is made for another machine (EM_AARCH64)"
    ]


@pytest.mark.skipif(host_platform() != AMD64, reason="reads a program of this machine")
def test_a_library_that_is_nowhere_is_a_warning(found: Made) -> None:
    program = shutil.which("ls")
    assert program
    content = Path(program).read_bytes()
    libc = replace(EXPECTED, libc=Libc("glibc", (2, 99)))

    assert found({**files(), "app/ls": content}, libc) == []
    assert "libc.so.6 is nowhere in the image; /app/ls needs it" in found.warnings


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("app/settings.py", b"KEY = 's3cr3t-value'", "contains a credential of the build"),
        (
            f"{SITE}/x.py",
            base64.b64encode(b"me:s3cr3t-value"),
            "contains a credential of the build",
        ),
        (f"{INFO}/direct_url.json", b"https://index.corp.example/", "contains the index"),
        (
            f"{INFO}/direct_url.json",
            b"https://me:pass1@host.example/",
            "contains an address with a password",
        ),
        ("etc/ssl/x.pem", b"-\nMIIcert\n-", "contains a certificate of this machine"),
        ("app/x.cfg", b"u=https://me:pass1@host.example/", "contains an address with a password"),
        ("app/.netrc", b"machine x", "is a file for credentials"),
        ("root/.docker/config.json", b"{}", "is a file for credentials"),
        ("app/pip.conf", b"[global]\nindex-url = https://x\n", "names an index or a token"),
    ],
)
def test_traces_of_the_machine_that_built_it(
    found: Made, path: str, content: bytes, said: str
) -> None:
    assert found({**files(), path: content}) == [f"/{path} {said}"]


def test_what_looks_like_a_trace_and_is_none(found: Made) -> None:
    harmless = {
        # Packages have examples, and a project may name its index on purpose.
        f"{SITE}/docs.py": b"'https://user:password@example.org/'",
        f"{SITE}/hub.py": b"from https://index.corp.example/models",
        "app/pyproject.toml": b"url = 'https://index.corp.example/simple'",
        "app/url.py": b"'https://{user}:{password}@host/', 'https://example.org:8000/a@b'",
        "app/pip.conf": b"[global]\ntimeout = 3\n",
    }
    assert found({**files(), **harmless}) == []


@pytest.mark.parametrize("path", ["usr/share/perl/5.40.1/HTTP/Tiny.pm", "usr/lib/x/url.py"])
def test_packages_of_debian_have_examples_of_passwords(found: Made, path: str) -> None:
    example = {**files(), path: b"proxy => 'http://user:password@proxy.example:8080'"}

    assert found(example, replace(EXPECTED, layers=("apt",))) == []
    assert found(example, expected=None) == []
    assert found(example) == [f"/{path} contains an address with a password"]
    secret = {**files(), path: b"s3cr3t-value"}
    said = [f"/{path} contains a credential of the build"]
    assert found(secret, replace(EXPECTED, layers=("apt",))) == said
    assert found(secret, expected=None) == said


def test_metadata_has_no_traces(found: Made) -> None:
    labels: dict[str, object] = {**PROCESS, "Labels": {"from": "https://index.corp.example"}}
    assert found(files(), process=labels) == ["its configuration contains the index"]
    assert found(files(), annotations={"a": "s3cr3t-value"}) == [
        "an annotation contains a credential of the build"
    ]


def test_the_configuration_is_the_planned_one(found: Made) -> None:
    assert found(files(), process={**PROCESS, "User": "0"}) == [
        'User is "0", and "10001:10001" was planned'
    ]
    (said,) = found(files(), process={**PROCESS, "Entrypoint": ["gone"]})
    assert said.startswith("'gone', which it starts, is not in the image")


def test_a_repository_may_be_on_the_host_of_an_index() -> None:
    needles = needles_for([], ["git.example/api/packages/simple"], [])
    source = '{"org.opencontainers.image.source": "https://git.example/me/shop"}'
    assert list(found_in_text("a label", source, needles)) == []
    told = '{"from": "https://git.example/api/packages/simple/"}'
    assert list(found_in_text("a label", told, needles)) == ["a label contains the index"]
    written = b"https://git.example/files/one.whl"
    (finding,) = found_in(written, f"/{INFO}/direct_url.json", needles)
    assert finding == "contains the index"


def test_size_and_cuda_are_limited(found: Made) -> None:
    (said,) = found(files(), replace(EXPECTED, max_size=10))
    assert said.endswith("compressed, and 'max-size' is 10")
    cuda = {**files(), **files("nvidia_cublas_cu12", "12.1")}
    locked = {"demo-pkg": "1.0", "nvidia-cublas-cu12": "12.1"}
    (said,) = found(cuda, replace(EXPECTED, packages=locked))
    assert said.startswith("it has CUDA, and nobody asked for it: nvidia-cublas-cu12")
    assert found(cuda, replace(EXPECTED, packages=locked, cuda=True)) == []


@pytest.mark.parametrize(
    "content",
    [b"no archive at all", gzip.compress(b"x" * 600), gzip.compress(b"x" * 600)[:-6] + b"wrong!"],
    # The compressed ones have the time in them.
    ids=["text", "compressed text", "wrong checksum"],
)
def test_a_layer_that_is_no_archive_is_a_problem(
    found: Made, tmp_path: Path, content: bytes
) -> None:
    assert found(files()) == []
    layout = Layout(tmp_path / "layout")
    (top,) = layout.entries()
    (_, manifest), *_ = layout.images(top.digest)
    (layer,) = layout.layers(manifest)
    layer.write_bytes(content)
    shutil.rmtree(tmp_path / "cache")

    (finding,) = verify_image(layout, top.digest, {AMD64: EXPECTED})
    assert str(finding).startswith(f"{AMD64}: a layer cannot be read: ")


def test_a_platform_that_is_missing_or_too_much(found: Made, tmp_path: Path) -> None:
    assert found(files()) == []
    layout = Layout(tmp_path / "layout")
    (top,) = layout.entries()
    said = verify_image(layout, top.digest, {"linux/arm64": EXPECTED})
    assert [str(finding) for finding in said] == [
        "linux/amd64: the index has it, and the spec does not",
        "linux/arm64: the index does not have it",
    ]


def test_no_finding_says_the_secret(found: Made) -> None:
    messages = found({**files(), "app/a": b"me:s3cr3t-value", "app/b": io.BytesIO(b"x").read()})
    assert messages
    assert "s3cr3t" not in "".join(messages)
    assert "s3cr3t" not in repr(NEEDLES)
