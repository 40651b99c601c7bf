"""Image references: their full form, and mirrors."""

from __future__ import annotations

from collections.abc import Mapping


def qualified(reference: str) -> str:
    """``reference`` in full: with its registry, and Docker Hub's ``library`` where it is implied.

    The first part is a host if it has a dot or a port, or is localhost (distribution/reference).
    """
    host, slash, _ = reference.partition("/")
    if slash and (host == "localhost" or "." in host or ":" in host):
        return reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"


def repository_of(reference: str) -> str:
    """``reference`` in full, without tag and digest."""
    name = qualified(reference).partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def mirrored(reference: str, mirrors: Mapping[str, str]) -> str:
    """Return the place of ``reference``: the longest matching prefix in ``mirrors`` is replaced.

    ``mirrors``: registry, or the beginning of a repository's name → what stands in for it.
    """
    name = qualified(reference)
    for prefix in sorted(mirrors, key=len, reverse=True):
        if name.startswith(f"{prefix}/"):
            return f"{mirrors[prefix]}{name.removeprefix(prefix)}"
    return name
