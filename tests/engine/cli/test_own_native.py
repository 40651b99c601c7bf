"""Own packages with machine code: compiled for each platform by their own build systems."""

from __future__ import annotations

import json

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.oci import ImageIndex
from tests.support.project import Project

SITE = "opt/venv/lib/python3.13/site-packages"
EXTENSION = """\
#include <Python.h>
#include "fast.h"
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(ANSWER); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", "", -1, methods};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""
SHOP = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "shop"
version = "1.0"
[tool.setuptools]
packages = ["shop"]
ext-modules = [{name = "shop.fast", sources = ["shop/fast.c"]}]
"""
CYTHON = """\
[build-system]
requires = ["setuptools>=77", "cython"]
build-backend = "setuptools.build_meta"
[project]
name = "cy"
version = "2.0"
[tool.setuptools]
packages = ["cy"]
ext-modules = [{name = "cy.add", sources = ["cy/add.pyx"]}]
"""
RUST = """\
[build-system]
requires = ["maturin>=1.8,<2"]
build-backend = "maturin"
[project]
name = "rs"
version = "0.3.0"
[tool.maturin]
bindings = "bin"
"""
CRATE = '[package]\nname = "rs"\nversion = "0.3.0"\nedition = "2021"\n'
MODULE = """\
use pyo3_ffi::*;

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"rs".as_ptr(),
    m_doc: c"of Rust".as_ptr(),
    m_size: 0,
    m_methods: std::ptr::null_mut(),
    m_slots: std::ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

#[no_mangle]
pub unsafe extern "C" fn PyInit_rs() -> *mut PyObject {
    PyModule_Create(&raw mut MODULE)
}
"""
MAIN = """\
import platform

from shop import fast

print(fast.answer(), platform.machine())
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with an extension in C, that takes its build backend from the user's index."""
    del project.env["UV_DEFAULT_INDEX"], project.env["UV_CACHE_DIR"]
    for name in ("requirements.in", "requirements.lock"):
        (project.root / name).unlink()
    web = {"base": "debian", "package": True, "command": ["python", "-m", "shop"]}
    return project.write(
        {
            "buildspec.yaml": json.dumps({"version": 1, "images": {"web": web}}),
            "pyproject.toml": SHOP,
            "shop/__init__.py": "",
            "shop/__main__.py": MAIN,
            "shop/fast.c": EXTENSION,
            # No source distribution has it, since nothing names it.
            "shop/fast.h": "#define ANSWER 42\n",
        }
    )


@pytest.mark.usefixtures("both_platforms")
def test_an_extension_of_the_project_is_compiled_for_each_platform(
    shop: Project, private_engine: PrivateEngine
) -> None:
    plan = json.loads(shop.ok("plan", "--json").stdout)["images"][0]
    made = [[p["name"] for p in one["packages"] if p["compiled"]] for one in plan["platforms"]]
    assert made == [["shop"], ["shop"]]
    assert plan["layers"][-3:] == ["app", "app", "app"]
    # Where bases with compilers are not assembled yet, that takes minutes.
    with shop.start("build") as process:
        _, said = process.communicate(timeout=900)
    assert process.returncode == 0, said
    private_engine.client.load(shop.tar)
    image = ImageIndex.open(shop.tar)
    for name, machine in (("amd64", "x86_64"), ("arm64", "aarch64")):
        names = image.platforms[f"linux/{name}"].own_names
        assert f"{SITE}/shop/fast.cpython-313-{machine}-linux-gnu.so" in names
        said = private_engine.client.run("web:latest", platform=f"linux/{name}", remove=True)
        assert str(said).split() == ["42", machine]
    assert shop.record()["images"]["web"]["warnings"] == []

    # Equal sources are equal, and others are compiled.
    before = shop.digest()
    assert "nothing changed" in shop.ok("build").stderr
    shop.write({"shop/fast.h": "#define ANSWER 43\n"})
    shop.ok("build", "--platform", "linux/amd64")
    assert shop.digest() != before
    private_engine.client.load(shop.tar)
    said = private_engine.client.run("web:latest", platform="linux/amd64", remove=True)
    assert str(said).split()[0] == "43"
    shop.write({"shop/fast.h": "#define ANSWER 42\n"})
    done = shop.ok("build")
    assert "compiling" not in done.stderr
    assert shop.digest() == before


def test_cython_and_rust_are_compiled_where_their_compilers_are(
    shop: Project, private_engine: PrivateEngine
) -> None:
    sources = '[tool.uv.sources]\ncy = {path = "cy"}\nrs = {path = "libs/rs"}\n'
    shop.write(
        {
            "pyproject.toml": SHOP.replace(
                'version = "1.0"\n', 'version = "1.0"\ndependencies = ["cy", "rs"]\n'
            )
            + sources,
            "cy/pyproject.toml": CYTHON,
            "cy/cy/__init__.py": "",
            "cy/cy/add.pyx": "def add(int a, int b): return a + b\n",
            "libs/rs/pyproject.toml": RUST,
            "libs/rs/Cargo.toml": CRATE,
            "libs/rs/src/main.rs": 'fn main() { println!("of rust"); }\n',
            # Of a build on this machine.
            "libs/rs/target/debug/large": "",
            "shop/__main__.py": "import subprocess, cy.add\n"
            "print(cy.add.add(1, 2), subprocess.check_output(['rs'], text=True))\n",
        }
    )
    shop.ok("lock")
    rust = ("--set", "images.web.build-apt=[cargo]", "--platform", "linux/amd64")
    shop.ok("build", "--load", *rust)
    said = private_engine.client.run("web:latest", platform="linux/amd64", remove=True)
    assert str(said).split() == ["3", "of", "rust"]
    versions = {
        package["name"]: package["version"]
        for package in json.loads(shop.ok("plan", "--json", *rust).stdout)["images"][0][
            "platforms"
        ][0]["packages"]
    }
    assert versions == {"cy": "2.0", "rs": "0.3.0", "shop": "1.0"}
    shop.write({"libs/rs/target/debug/larger": ""})
    assert "nothing changed" in shop.ok("build", *rust).stderr


@pytest.mark.usefixtures("both_platforms")
def test_an_extension_in_rust_cross_compiles(shop: Project, private_engine: PrivateEngine) -> None:
    shop.write(
        {
            "pyproject.toml": RUST.replace(
                'bindings = "bin"', 'features = ["pyo3-ffi/extension-module"]'
            ),
            "Cargo.toml": CRATE
            + '[lib]\ncrate-type = ["cdylib"]\n[dependencies]\npyo3-ffi = "0"\n',
            "src/lib.rs": MODULE,
            # Crates that Debian has.
            ".cargo/config.toml": '[source.crates-io]\nreplace-with = "debian"\n'
            '[source.debian]\ndirectory = "/usr/share/cargo/registry"\n',
        }
    )
    said = "import rs, platform; print(rs.__doc__, platform.machine())"
    keys = {"build-apt": ["cargo", "librust-pyo3-ffi-dev"], "command": ["python", "-c", said]}
    options = [f"--set=images.web.{key}={json.dumps(value)}" for key, value in keys.items()]
    with shop.start("build", "--platform", "linux/arm64", *options) as process:
        _, told = process.communicate(timeout=900)
    assert process.returncode == 0, told
    assert shop.record()["images"]["web"]["warnings"] == []
    private_engine.client.load(shop.tar)
    ran = private_engine.client.run("web:latest", platform="linux/arm64", remove=True)
    assert str(ran).split() == ["of", "Rust", "aarch64"]


def test_what_does_not_compile_is_named_with_what_it_lacks(shop: Project) -> None:
    shop.write({"shop/fast.h": "#include <nowhere.h>\n"})
    done = shop.nox("build", "--platform", "linux/amd64")
    assert "shop==1.0 cannot be compiled: there is no nowhere.h; add" in done.failure

    # What is wrong without a compiler is said at once.
    shop.write({"pyproject.toml": SHOP.replace("ext-modules", "ext-modulez")})
    assert "cannot be built" in shop.nox("plan").failure
