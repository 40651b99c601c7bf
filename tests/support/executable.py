"""Executables of a hundred bytes: whole images without a base, and proof that a processor runs."""

from __future__ import annotations

import os
import struct

_EXIT_42 = {
    # mov edi, 42; mov eax, 60 (exit); syscall
    "x86_64": "bf2a000000 b83c000000 0f05",
    # mov x0, #42; mov x8, #93 (exit); svc #0
    "aarch64": "400580d2 a80b80d2 010000d4",
    # li a0, 42; li a7, 93 (exit); ecall
    "riscv64": "1305a002 9308d005 73000000",
}
_PAUSE = {
    # mov eax, 34 (pause); syscall
    "x86_64": "b822000000 0f05",
    # ppoll(0, 0, 0, 0): mov x0..x3, #0; mov x8, #73; svc #0
    "aarch64": "000080d2 010080d2 020080d2 030080d2 280980d2 010000d4",
}
_MACHINE = {"x86_64": 62, "aarch64": 183, "riscv64": 243}
_BASE = 0x400000


def exits_with_42(machine: str = "") -> bytes:
    """Return a program for ``machine`` (default: this host's) that exits with status 42."""
    machine = machine or os.uname().machine
    return _elf(machine, bytes.fromhex(_EXIT_42[machine]))


def waits() -> bytes:
    """Return a program for this host that waits until it is killed."""
    machine = os.uname().machine
    return _elf(machine, bytes.fromhex(_PAUSE[machine]))


def _elf(machine: str, code: bytes) -> bytes:
    """Wrap ``code`` in an ELF header and one loadable segment (elf(5))."""
    size = 64 + 56 + len(code)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    entry = _BASE + 64 + 56
    header = struct.pack(
        "<HHIQQQIHHHHHH", 2, _MACHINE[machine], 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return ident + header + segment + code
