"""Running programs of other architectures: QEMU behind the kernel's binfmt_misc.

Reference: Documentation/admin-guide/binfmt-misc.rst of Linux. A handler needs the flag F, with
which the kernel opens the interpreter at registration: a container has no such file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from nox_buildkit.debian.provision import SuitePackage, check_runs, provision, tools_dir
from nox_buildkit.errors import Code, EngineError
from nox_buildkit.files import cache_dir, locked
from nox_buildkit.oci.platform import PLATFORMS, KnownPlatform, native_platforms
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.run import run

BINFMT = Path("/proc/sys/fs/binfmt_misc")
# Handlers registered here; whatever else is there belongs to someone else.
PREFIX = "nox-buildkit-"
NEXT_STEP = (
    "as root, install qemu-user-static and run `systemctl restart systemd-binfmt`, or use a "
    "builder with a node of that architecture"
)


def ensure(platforms: Iterable[str], host_machine: str, report: Progress = SILENT) -> None:
    """Make this host run programs of ``platforms``; where it does already, do nothing.

    ``host_machine``: as ``os.uname().machine``. Raises EngineError.
    """
    missing = [p for p in sorted(platforms) if not runs(p, host_machine)]
    if not missing:
        return
    if os.geteuid() != 0:
        raise _missing(missing, "only root can set it up")
    with locked(cache_dir() / "binfmt.lock"):
        _mount(missing)
        for platform in missing:
            if not _handled(_row(platform)):
                report.message(f"setting up emulation of {platform}")
                _register(platform, report)


def runs(platform: str, host_machine: str) -> bool:
    """Tell whether containers of ``platform`` run here, by the processor or by a handler."""
    return platform in native_platforms(host_machine) or _handled(_row(platform))


def useless_handler(platform: str) -> str:
    """Return why the handler that is registered for ``platform`` is of no use in containers.

    Empty without a handler, or if it is of use.
    """
    row = PLATFORMS.get(platform)
    if row is None or _handled(row):
        return ""
    for file, fields in _handlers():
        whole = {**fields, "enabled": "", "flags": "F"}
        if "magic" in fields and _matches(whole, row.elf.header()):
            lacks = "the flag F" if "enabled" in fields else "to be enabled"
            return f"the handler {file.name} of binfmt_misc lacks {lacks}"
    return ""


def forget() -> None:
    """Unregister the handlers whose interpreter lies in our cache folder."""
    for file, fields in list(_handlers()):
        interpreter = Path(fields.get("interpreter", ""))
        if file.name.startswith(PREFIX) and interpreter.is_relative_to(tools_dir()):
            file.write_text("-1")


def _row(platform: str) -> KnownPlatform:
    if platform not in PLATFORMS:
        known = ", ".join(PLATFORMS)
        raise EngineError(Code.EMULATION(f"{platform} cannot be emulated", f"known are {known}"))
    return PLATFORMS[platform]


def _handlers() -> Iterator[tuple[Path, dict[str, str]]]:
    if not (BINFMT / "status").exists():
        return
    for file in BINFMT.iterdir():
        if file.name not in ("register", "status"):
            lines = file.read_text(encoding="utf-8").splitlines()
            pairs = (line.partition(" ") for line in lines)
            yield file, {key.rstrip(":"): value for key, _, value in pairs}


def _handled(row: KnownPlatform) -> bool:
    return any(_matches(fields, row.elf.header()) for _, fields in _handlers())


def _matches(fields: dict[str, str], header: bytes) -> bool:
    if "enabled" not in fields or "F" not in fields.get("flags", "") or "magic" not in fields:
        return False
    magic = bytes.fromhex(fields["magic"])
    mask = bytes.fromhex(fields["mask"]) if "mask" in fields else b"\xff" * len(magic)
    start = int(fields.get("offset", "0"))
    part = header[start : start + len(magic)]
    masked = zip(part, magic, mask, strict=False)
    return len(part) == len(magic) and all(p & m == g & m for p, g, m in masked)


def _mount(missing: list[str]) -> None:
    if (BINFMT / "status").exists():
        return
    done = run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], seconds=30)
    if done.returncode:
        raise _missing(missing, done.errors.strip().replace("\n", "; "))


def _register(platform: str, report: Progress) -> None:
    """Register Debian's handler with the interpreter where it was unpacked (binfmt.d(5))."""
    row = _row(platform)
    prefix = provision(
        "qemu",
        # From Debian 13 on, qemu-user is static and its handlers are a package of their own.
        [
            [SuitePackage("qemu-user-static")],
            [SuitePackage("qemu-user"), SuitePackage("qemu-user-binfmt")],
        ],
        _check,
        report,
    )
    file = prefix / f"usr/lib/binfmt.d/qemu-{row.qemu}.conf"
    if not file.exists():
        raise _missing([platform], f"Debian's qemu has no handler for {row.qemu}")
    line = next(li for li in file.read_text(encoding="utf-8").splitlines() if li.startswith(":"))
    *head, interpreter, flags = line.strip().split(":")
    head[1] = f"{PREFIX}{row.qemu}"
    ours = prefix / interpreter.lstrip("/")
    flags = flags if "F" in flags else f"{flags}F"
    try:
        (BINFMT / "register").write_text(":".join([*head, str(ours), flags]))
    except OSError as error:
        raise _missing([platform], f"the kernel refused {ours}: {error.strerror}") from error


def _check(prefix: Path) -> None:
    """Every handler's interpreter is there, and the first runs."""
    handlers = sorted((prefix / "usr/lib/binfmt.d").glob("qemu-*.conf"))
    if not handlers:
        raise EngineError(Code.EMULATION("the package has no binfmt.d"))
    for file in handlers:
        interpreter = file.read_text(encoding="utf-8").strip().split(":")[-2]
        program = prefix / interpreter.lstrip("/")
        if not program.exists():
            raise EngineError(Code.EMULATION(f"{interpreter} is not in the package"))
    check_runs(program.resolve())


def _missing(platforms: list[str], reason: str) -> EngineError:
    return EngineError(
        Code.EMULATION(f"emulation missing for {', '.join(platforms)}: {reason}", NEXT_STEP)
    )
