"""Changes to a text at four levels: its bytes, its tokens, its nodes, and what it means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

#: What readers stumble over: other types, edges of numbers and text, paths and options of programs.
WORDS = (
    "", " ", "null", "~", "true", "no", "-1", "0", "1e400", ".nan", "0x1f", "2020-01-01", "3.10",
    "9" * 400, "x" * 70_000, "[]", "{}", "[[[[", "{{{{", "<<: *a", "&a", "*a", "!!python/name:os",
    "|", "../..", "/dev/zero", "/proc/self/mem", "/", ".", "..", "a//b", "file:///dev/zero",
    "~root",
    "--help", "-r requirements.txt", "-r requirements.in", "-c /dev/zero", "-e .", "==3.12.*",
    ">=3.9,<3.8", "===x", "git+https://u:p@h/x", "https://u:p@h/x", "https://[::1", "target:a",
    "\u202e", "\x1b[2J", "\x00", "\ud800", "a\u0301", "\ufeff", "\u2028", "🐍", "\r", "\t", "\n",
    "<<<<<<< HEAD\n", "=======\n", ">>>>>>> main\n", "!", "**/", "[!a", "[z-a]", "\\", "#",
    "python_version < '0'", "os_name == '", "extra == 'x'", "name; a @ b",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3.13, 10**400, "", "x", [], [None], [[]], ["x", "x"], {},
    {"a": {}},    {"": ""}, {"x": 1}, "/dev/zero", "--help", ">=3", "\u202e",
)  # fmt: skip
_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


def of_bytes(data: bytes, random: Random) -> bytes:
    """Flip, cut, repeat or put in a few bytes."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(changed) + 1)
        kind = random.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            del changed[at : at + random.choice((1, 4, 64))]
        elif kind == 2:
            changed[at:at] = random.randbytes(random.choice((1, 4)))
        elif kind == 3:
            changed[at:at] = changed[at : at + 40] * random.choice((1, 2, 50))
        else:
            del changed[at:]
    return bytes(changed)


def of_tokens(text: str, random: Random) -> str:
    """Take out, repeat, exchange or replace words, blanks and signs."""
    tokens = _TOKEN.findall(text) or [""]
    for _ in range(random.choice((1, 1, 2, 5))):
        at, other = random.randrange(len(tokens)), random.randrange(len(tokens))
        kind = random.randrange(5)
        if kind == 0:
            tokens[at] = ""
        elif kind == 1:
            tokens[at] *= random.choice((2, 3, 300))
        elif kind == 2:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind == 3:
            tokens[at] = random.choice(WORDS)
        else:
            tokens[at] += tokens[other]
    return "".join(tokens)[:1_000_000]


def of_lines(text: str, random: Random) -> str:
    """What a line says, said of another, twice, or not at all; or a line that means something."""
    lines = text.splitlines(keepends=True) or [""]
    for _ in range(random.choice((1, 1, 2))):
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        kind = random.randrange(4)
        if kind == 0:
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 1:
            lines.insert(at, lines[other])
        elif kind == 2:
            lines.insert(at, f"{random.choice(WORDS)}\n")
        else:
            lines[at] = ""
    return "".join(lines)


def of_nodes(tree: Any, random: Random) -> Any:
    """Give one node of ``tree`` another value, type, place or name."""
    places = list(_places(tree))
    if not places:
        return random.choice(VALUES)
    for _ in range(random.choice((1, 1, 2))):
        parent, key = random.choice(places)
        if key not in (parent if isinstance(parent, dict) else range(len(parent))):
            continue
        kind = random.randrange(6)
        other, other_key = random.choice(places)
        if kind == 0:
            parent[key] = random.choice(VALUES)
        elif kind == 1:
            del parent[key]
        elif kind == 2:
            parent[key] = random.choice(([parent[key]], {"x": parent[key]}))
        elif kind == 3 and other_key in (other if isinstance(other, dict) else range(len(other))):
            parent[key] = json.loads(json.dumps(other[other_key], default=str))
        elif kind == 4 and isinstance(parent, dict):
            parent[random.choice((*WORDS, *map(str, parent)))] = parent.pop(key)
        else:
            parent[key] = random.choice(WORDS)
    return tree


def nested(random: Random) -> str:
    """Brackets in brackets."""
    depth = random.choice((30, 33, 200, 5000))
    opening, closing = random.choice((("[", "]"), ("{a: ", "}"), ('{"a": ', "}"), ("- ", "")))
    return opening * depth + closing * depth


def toml(tables: dict[str, Any]) -> str:
    """``tables`` as TOML: one line a key of the top, inline tables below."""
    return "".join(f"{json.dumps(k)} = {_inline(v)}\n" for k, v in tables.items())


def mutated(
    data: bytes, read: Callable[[str], Any], write: Callable[[Any], str], random: Random
) -> bytes:
    """``data`` changed at a level that ``random`` chooses."""
    level = random.randrange(10)
    if level < 2:
        return of_bytes(data, random)
    text = data.decode()
    if level < 4:
        changed = of_tokens(text, random)
    elif level < 6:
        changed = of_lines(text, random)
    elif level == 6 and random.randrange(10) == 0:
        changed = text + nested(random)
    else:
        changed = write(of_nodes(read(text), random))
    return changed.encode(errors="surrogatepass")


def _places(tree: Any) -> Any:
    if isinstance(tree, dict | list):
        for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
            yield tree, key
            yield from _places(value)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value if value is not None else "", default=str)
