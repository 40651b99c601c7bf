"""Generated ignore files, and the small tree that they are tried on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

FILES = (
    "a", "ab", "b.py", "A.txt", "lib/a", "lib/b.py", "src/a", "src/lib/a", "src/lib/b.py",
    "src/lib/deep/c.txt", "src/ab/lib", "x-y/a", "x-y/[a]", "x-y/!a", "x-y/#a", "x-y/a b", "x-y/a ",
    "x-y/a^b", "x-y/.hidden", "\u00e9/\u00e9.py",
)  # fmt: skip
_NAMES = (
    "a", "b.py", "lib", "src", "src/lib", "src/lib/b.py", "deep", "x-y", "ab", "A.txt", "\u00e9",
    "c.txt", "*.py", "*.txt", "a*", "*a", "?", "??", "*", "**", "***", "**/a", "**/lib", "lib/**",
    "src/**/a", "src/*/a", "src/**", "**/deep/**", "[ab]", "[a-c].py", "[!a]", "[^a]", "[a-]",
    "[-a]",
    "[[:alpha:]]", "[]a]", "x-y/[a]", "x-y/\\[a]", "\\!a", "\\#a", "!a", "#a", "a b", "a\\ ", "a^b",
    "a^?", ".*", ".", "./a", "src//lib", "src/./lib", "src/../a", "..", "a.", "b?py", "l{ib}",
    "(a)",
    "a|b", "a+", "\u00e9.*", "*/a", "*/*", "[z-a]", "a[", "a\\", "\\a", "src/li[b]", "**a", "a**",
    "**/**", "[a*]", "[?]", "[\\]a]", "x-?/*", "src/lib/*",
)  # fmt: skip


def make_tree(folder: Path) -> None:
    """Write FILES below ``folder``, each with its own name in it."""
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def rule_set(seed: int, names: Sequence[str] = _NAMES) -> bytes:
    """An ignore file: rules, exceptions, comments, white space, and what editors leave."""
    choose = random.Random(seed)  # noqa: S311  the same cases in every run
    lines = []
    for _ in range(choose.randint(1, 5)):
        rule = choose.choice(names)
        before = choose.choice(("", "", "", "!", "!", "/", "!/", " ", "# ", "! "))
        after = choose.choice(("", "", "", "/", "/", " ", "\t", "/**", "/*"))
        lines.append(f"{before}{rule}{after}")
    text = choose.choice(("\n", "\n", "\r\n")).join(lines)
    start = choose.choice(("", "", "", "\ufeff"))
    return f"{start}{text}{choose.choice(('', chr(10)))}".encode()
