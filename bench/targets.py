"""The promises of the project, computed from what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
            1.6,
            cases.get("first-answer"),
            "pip",
            "ours",
        ),
        _further_image(cases),
        _wheelhouse(cases.get("new-engine")),
        *_loop(cases),
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


def _loop(cases: Mapping[str, Case]) -> Iterator[Target]:
    """Yield the promises about what is typed many times a day, and about large repositories."""
    start = cases.get("nothing-changed")
    yield _beyond_nox("nothing changed: seconds beyond nox's start", 0.15, start, "ours")
    yield _over(
        "one source line: ours, less nox's start, over bare bake",
        1.3,
        cases.get("source-changed"),
        "bare",
    )
    pushed, unchanged = cases.get("push-seconds"), cases.get("push-unchanged")
    alone = unchanged.median("nox") if unchanged else None
    yield _over("push after one line: ours, less nox's start, over pip's", 1, pushed, "pip", alone)
    shared, own = cases.get("plan-shared"), cases.get("plan-own")
    yield _beyond_nox("plan of 200 images that share a lock: seconds", 1, shared, "ours")
    yield _beyond_nox("the same as JSON: seconds", 1, shared, "ours-json")
    yield _beyond_nox("plan of 200 images with locks of their own: seconds", 3, own, "ours")
    yield _over(
        "100,000 files, nothing changed: ours over git status",
        1.5,
        cases.get("many-files"),
        "git",
        0,
    )
    yield _beyond_nox(
        "a file of 2 GiB, nothing changed: seconds beyond nox's start",
        0.2,
        cases.get("large-file"),
        "ours",
    )
    yield _loaded(cases.get("load"))


def _beyond_nox(name: str, limit: float, case: Case | None, key: str) -> Target:
    """Promise seconds beyond those that nox takes to start."""
    mine, nox = (case.median(one) if case else None for one in (key, "nox"))
    if mine is None or nox is None:
        return Target(name, limit, None, at_least=False)
    return Target(name, limit, mine - nox, at_least=False, detail=f"{mine:.2f} s - nox {nox:.2f} s")


def _over(
    name: str, limit: float, case: Case | None, peer: str, nox: float | None = None
) -> Target:
    """Promise a ratio to ``peer``; ``nox``: the seconds of its start, if the case has them not."""
    mine, theirs = (case.median(one) if case else None for one in ("ours", peer))
    alone = nox if nox is not None or case is None else case.median("nox")
    if mine is None or not theirs or alone is None:
        return Target(name, limit, None, at_least=False)
    detail = f"({mine:.2f} s - {alone:.2f} s) / {theirs:.2f} s"
    return Target(name, limit, (mine - alone) / theirs, at_least=False, detail=detail)


def _loaded(case: Case | None) -> Target:
    name = "--load: the seconds that it adds, over docker load"
    keys = ("ours-load", "ours", "docker-load")
    load, build, docker = (case.median(one) if case else None for one in keys)
    if load is None or build is None or not docker:
        return Target(name, 1.5, None, at_least=False)
    detail = f"({load:.2f} s - {build:.2f} s) / {docker:.2f} s"
    return Target(name, 1.5, (load - build) / docker, at_least=False, detail=detail)
