"""The promises of the project, computed from what was measured."""

from __future__ import annotations

from collections.abc import Mapping

from bench.model import Case, Target


def targets(cases: Mapping[str, Case], *, both_platforms: bool) -> tuple[Target, ...]:
    """Every promise; those that ``cases`` cannot answer stay unmeasured.

    ``both_platforms``: whether the peers were built for all platforms, as ours always is.
    """
    cold = cases.get("no-layer-cache") if both_platforms else None
    ours = cold.compared if cold else "ours"
    return (
        _faster("no layer cache, both platforms: pip's time over ours", 40, cold, "pip", ours),
        _faster("no layer cache, both platforms: uv's time over ours", 12, cold, "uv", ours),
        _no_op(cases.get("nothing-changed")),
        *(
            _size(cases.get(f"size-{architecture}"), f"linux/{architecture}")
            for architecture in ("amd64", "arm64")
        ),
        _faster(
            "first HTTP 200: pip's time over ours",
            1.3,
            cases.get("first-answer"),
            "pip",
            "ours",
        ),
        _further_image(cases),
        _wheelhouse(cases.get("new-engine")),
    )


def _faster(name: str, limit: float, case: Case | None, peer: str, ours: str) -> Target:
    theirs, mine = (case.median(peer), case.median(ours)) if case else (None, None)
    if not theirs or not mine:
        return Target(name, limit, None, at_least=True)
    detail = f"{theirs:.2f} s / {mine:.2f} s ({ours})"
    return Target(name, limit, theirs / mine, at_least=True, detail=detail)


def _no_op(case: Case | None) -> Target:
    name = "nothing changed: ours, less nox's start, over bare bake"
    if case is None:
        return Target(name, 1.3, None, at_least=False)
    mine, bare, nox = (case.median(key) for key in ("ours", "bare", "nox"))
    if mine is None or bare is None or nox is None:
        return Target(name, 1.3, None, at_least=False)
    # "At most 1.3 times the bare bake, plus nox's start": nox's start is not multiplied.
    measured = (mine - nox) / bare
    detail = f"({mine:.2f} s - nox {nox:.2f} s) / {bare:.2f} s"
    return Target(name, 1.3, measured, at_least=False, detail=detail)


def _further_image(cases: Mapping[str, Case]) -> Target:
    name = "a further image that shares the lock, over the first"
    found = {key: cases[key].median("ours") for key in ("images-1", "images-16") if key in cases}
    one, many = found.get("images-1"), found.get("images-16")
    if one is None or many is None:
        return Target(name, 0.15, None, at_least=False)
    detail = f"({many:.2f} s for 16 - {one:.2f} s for 1) / 15 / {one:.2f} s"
    return Target(name, 0.15, (many - one) / 15 / one, at_least=False, detail=detail)


def _wheelhouse(case: Case | None) -> Target:
    name = "a new engine: with a wheelhouse, over without"
    kept, nothing = (case.median(key) if case else None for key in ("ours", "ours-nothing"))
    if not kept or not nothing:
        return Target(name, 0.5, None, at_least=False)
    detail = f"{kept:.2f} s / {nothing:.2f} s"
    return Target(name, 0.5, kept / nothing, at_least=False, detail=detail)


def _size(case: Case | None, platform: str) -> Target:
    name = f"compressed size, {platform}: ours over pip's"
    theirs, mine = (case.median("pip"), case.median("ours")) if case else (None, None)
    if not theirs or not mine:
        return Target(name, 1.0, None, at_least=False)
    detail = f"{mine / 1e6:.1f} MB / {theirs / 1e6:.1f} MB"
    return Target(name, 1.0, mine / theirs, at_least=False, detail=detail)
