"""Build a wheel for another processor than this machine's, with Debian's cross compilers.

Runs inside the build:

    python3 cross.py SOURCES OUTPUT WORK TRIPLE MACHINE

builds the sources in the folder SOURCES into OUTPUT, and checks the wheel; where that is not to be
had, its last line is the reason, and its status 1. The status is another one where it could not
even begin, since what the build requires could not be installed. TRIPLE is Debian's multiarch name
of the target, whose compilers, headers and libraries are here; MACHINE is what ``uname -m`` says
there.

The backend and what it requires run on this machine, in an environment below WORK, as it would
natively (PEP 517). What it asks Python about itself is answered by the target's sysconfig data, and
compilers, CMake, Meson and Cargo get the same target the way each of them is told one.
"""

import importlib
import json
import os
import struct
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

#: The status for build requirements that cannot be installed.
UNPREPARED = 3

#: What a project without a table [build-system] means (PEP 517, 518).
LEGACY = {"requires": ["setuptools >= 40.8.0"], "build-backend": "setuptools.build_meta:__legacy__"}

#: Calls one hook of a backend: name, arguments as JSON, a file for the result as JSON.
HOOK = """\
import functools, importlib, json, sys
name, arguments, result, backend, *path = sys.argv[1:]
sys.path[:0] = path
module, _, attribute = backend.partition(":")
names = filter(None, attribute.split("."))
backend = functools.reduce(getattr, names, importlib.import_module(module))
hook = getattr(backend, name, lambda *_: [])
with open(result, "w") as file:
    json.dump(hook(*json.loads(arguments)), file)
"""

#: Read when a Python of the environment starts: what sysconfig's variables do not cover.
STARTUP = """\
import os, platform, struct as _struct, sys
if "_PYTHON_SYSCONFIGDATA_NAME" in os.environ:
    _machine, sys.implementation._multiarch = {machine!r}, {triple!r}
    _system, _release, _uname = os.uname(), platform.uname(), os.uname_result
    os.uname = lambda: _uname((*_system[:4], _machine))
    platform.uname = lambda: _release._replace(machine=_machine)
    platform.machine = lambda: _machine
    platform.processor = lambda: ""
    if {pointer} != _struct.calcsize("P"):
        _calcsize, sys.maxsize = _struct.calcsize, (1 << 8 * {pointer} - 1) - 1
        _words = dict.fromkeys(("P", "n", "N", "l", "L"), {pointer})
        _struct.calcsize = lambda text: _words.get(text) or _calcsize(text)
        platform.architecture = lambda *_, **__: (str(8 * {pointer}) + "bit", "ELF")
"""

#: Rust's names of processors, where they are others than those of ``uname -m``.
RUST = {"armv7l": "armv7", "riscv64": "riscv64gc", "ppc64le": "powerpc64le"}

#: Formats of a long double, which numpy finds out by a program that it could not run.
LONG_DOUBLE = {
    "x86_64": "INTEL_EXTENDED_16_BYTES_LE", "i686": "INTEL_EXTENDED_12_BYTES_LE",
    "armv7l": "IEEE_DOUBLE_LE", "ppc64le": "IBM_DOUBLE_DOUBLE_LE",
}  # fmt: skip

#: Meson's names of families of processors, where they are others.
FAMILY = {"armv7l": "arm", "i686": "x86", "ppc64le": "ppc64"}


def rust_target(triple: str, machine: str) -> str:
    """Rust's name of the target."""
    system = triple.partition("-")[2]
    return f"{RUST.get(machine, machine)}-unknown-{system}"


def cargo_name(target: str) -> str:
    """The name of a target in Cargo's variables."""
    return target.upper().replace("-", "_")


def environment(triple: str, machine: str, work: Path) -> "dict[str, str]":
    """Return the variables that make build systems build for the target."""
    tools = {name: f"{triple}-{tool}" for name, tool in TOOLS.items()}
    rust = rust_target(triple, machine)
    own = rust_target(str(sysconfig.get_config_var("MULTIARCH")), os.uname().machine)
    library = Path(sysconfig.get_path("stdlib"))
    # PyO3 and maturin follow links before they compare the name, which is one of them in Debian.
    data = (library / f"_sysconfigdata__{triple}.py").resolve().stem
    return {
        **tools,
        # Programs that a build makes for itself.
        "HOST_CC": "/usr/bin/gcc", "HOST_CXX": "/usr/bin/g++", "HOST_AR": "/usr/bin/ar",
        "CC_FOR_BUILD": "/usr/bin/gcc", "CXX_FOR_BUILD": "/usr/bin/g++",
        f"CARGO_TARGET_{cargo_name(own)}_LINKER": "/usr/bin/gcc",
        "_PYTHON_HOST_PLATFORM": f"linux-{machine}",
        "_PYTHON_SYSCONFIGDATA_NAME": data,
        "CMAKE_TOOLCHAIN_FILE": str(work / "toolchain.cmake"),
        "CARGO_BUILD_TARGET": rust,
        f"CARGO_TARGET_{cargo_name(rust)}_LINKER": f"{triple}-gcc",
        "PYO3_CROSS_LIB_DIR": str(library),
        "PYO3_CROSS_PYTHON_VERSION": VERSION,
        "PKG_CONFIG_ALLOW_CROSS": "1",
    }  # fmt: skip


TOOLS = {
    "CC": "gcc", "CXX": "g++", "AR": "gcc-ar", "RANLIB": "gcc-ranlib", "NM": "gcc-nm",
    "STRIP": "strip", "OBJCOPY": "objcopy", "READELF": "readelf", "PKG_CONFIG": "pkg-config",
}  # fmt: skip


#: Names that many a build script calls them by, whatever it is told.
SHIMS = {
    "cc": "gcc", "gcc": "gcc", "c++": "g++", "g++": "g++", "pkg-config": "pkg-config",
}  # fmt: skip


def toolchain(triple: str, machine: str) -> str:
    """Return a toolchain file of CMake."""
    return f"""\
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR {machine})
set(CMAKE_C_COMPILER {triple}-gcc)
set(CMAKE_CXX_COMPILER {triple}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE {triple})
set(PKG_CONFIG_EXECUTABLE {triple}-pkg-config)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
"""


def cross_file(triple: str, machine: str, python: Path) -> str:
    """Return a cross file of Meson."""
    double = LONG_DOUBLE.get(machine, "IEEE_QUAD_LE")
    return f"""\
[binaries]
c = '{triple}-gcc'
cpp = '{triple}-g++'
fortran = '{triple}-gfortran'
ar = '{triple}-gcc-ar'
strip = '{triple}-strip'
pkg-config = '{triple}-pkg-config'
cmake = 'cmake'
python = '{python}'
[properties]
longdouble_format = '{double}'
[host_machine]
system = 'linux'
cpu_family = '{FAMILY.get(machine, machine)}'
cpu = '{machine}'
endian = '{sys.byteorder}'
"""


class Builder:
    """A build of ``sources`` in an environment of its own below ``work``."""

    def __init__(self, sources: Path, work: Path, triple: str, machine: str) -> None:
        self.sources, self.work = sources, work
        self.target = (triple, machine)
        self.python = work / "environment/bin/python"
        self.settings: dict[str, list[str]] = {}
        file = sources / "pyproject.toml"
        stated = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        system = stated.get("build-system", LEGACY)
        self.requires: list[str] = system.get("requires", [])
        self.backend: str = system.get("build-backend", LEGACY["build-backend"])
        self.path = [str(sources / each) for each in system.get("backend-path", ())]
        if self.backend == LEGACY["build-backend"]:
            self.path = [str(sources)]

    def prepare(self) -> None:
        """Make the environment, and the files that name the target."""
        triple, machine = self.target
        command = ["uv", "venv", "--quiet", "--no-project", "--python", sys.executable]
        subprocess.run([*command, self.work / "environment"], check=True)
        packages = self.work / f"environment/lib/python{VERSION}/site-packages"
        data = importlib.import_module(f"_sysconfigdata__{triple}").build_time_vars
        pointer = data["SIZEOF_VOID_P"]
        startup = STARTUP.format(triple=triple, machine=machine, pointer=pointer)
        (packages / "_nox_buildkit_cross.py").write_text(startup)
        (packages / "_nox_buildkit_cross.pth").write_text("import _nox_buildkit_cross\n")
        for name, tool in SHIMS.items():
            program = self.python.with_name(name)
            # pkg-config knows its target by the name that it is called by.
            program.write_text(f'#!/bin/sh\nexec {triple}-{tool} "$@"\n')
            program.chmod(0o755)
        (self.work / "toolchain.cmake").write_text(toolchain(triple, machine))
        if self.backend == "mesonpy":
            file = self.work / "cross.ini"
            file.write_text(cross_file(triple, machine, self.python))
            self.settings = {"setup-args": [f"--cross-file={file}"]}
        self.install(self.requires)
        self.install(self.hook("get_requires_for_build_wheel", self.settings))
        if (packages / "numpy").exists() and pointer != struct.calcsize("P"):
            sys.exit("numpy's headers are here for words of another size")

    def install(self, requirements: "list[str]") -> None:
        """Install what the build requires: for this machine, where it runs."""
        if requirements:
            command = ["uv", "pip", "install", "--quiet", "--python", str(self.python), "--"]
            if subprocess.run([*command, *requirements], check=False).returncode:
                # An index may have it in a moment, and the target needs it, too.
                print("its build requirements cannot be installed", flush=True)
                sys.exit(UNPREPARED)

    def hook(self, name: str, *arguments: object) -> "list[str]":
        """Call the hook ``name`` of the backend, for the target."""
        result = self.work / f"{name}.json"
        variables = {**os.environ, **environment(*self.target, self.work)}
        variables["PATH"] = f"{self.python.parent}:{os.environ['PATH']}"
        variables["VIRTUAL_ENV"] = str(self.work / "environment")
        given = [name, json.dumps(arguments), str(result), self.backend, *self.path]
        command = [str(self.python), "-P", "-c", HOOK, *given]
        subprocess.run(command, cwd=self.sources, env=variables, check=True)
        done: list[str] = json.loads(result.read_text())
        return done


def main(given: Path, output: Path, work: Path, triple: str, machine: str) -> None:
    """Build and check a wheel, or say why not; the byte order is that of this machine."""
    builder = Builder(given, work, triple, machine)
    if stated := sorted(os.environ.keys() & environment(triple, machine, work).keys()):
        sys.exit(f"'args' has {' and '.join(stated)}, for the machine that builds")
    try:
        builder.prepare()
        output.mkdir()
        builder.hook("build_wheel", str(output), builder.settings)
    except subprocess.CalledProcessError:
        sys.exit("its build fails")
    wheel, *more = output.glob("*.whl") or [None]
    if not wheel or more:
        sys.exit("its build makes no wheel")
    check = Path(__file__).with_name("machine_code.py")
    sys.exit(
        subprocess.run([sys.executable, check, wheel, triple, machine], check=False).returncode
    )


if __name__ == "__main__":
    sources, output, folder, *target = sys.argv[1:]
    main(Path(sources), Path(output), Path(folder), *target)
