"""Verdicts on platforms: whether a processor, or an emulator, runs steps of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from nox_buildkit.doctor.engine_facts import EngineFacts
from nox_buildkit.doctor.engines import choose
from nox_buildkit.doctor.finding import Finding
from nox_buildkit.engine.inspect import Node
from nox_buildkit.engine.private.emulation import NEXT_STEP
from nox_buildkit.oci.platform import Platform, native_platforms

_CHECK = "platform"


def judge_platforms(platforms: Iterable[str], facts: EngineFacts) -> Iterator[Finding]:
    """Yield the verdict on each of ``platforms``."""
    users = choose(facts).users
    for platform in platforms:
        builder = facts.users.builder
        if not users:
            yield _here(platform, facts)
        elif awake := [node for node in (builder.nodes if builder else ()) if node.running]:
            yield _of_nodes(platform, awake, facts)
        else:
            message = f"{platform}: not known before the builder runs"
            yield Finding(_CHECK, "ok", message, facts={"platform": platform, "runs": None})


def _of_nodes(platform: str, nodes: Sequence[Node], facts: EngineFacts) -> Finding:
    for node in nodes:
        if platform in _normal(node.native):
            return _runs(platform, f"a processor of node {node.name}", "processor")
    for node in nodes:
        if platform in _normal(node.platforms):
            return _runs(platform, f"an emulator of node {node.name}", "emulator")
    if facts.users.here:
        return _here(platform, facts)
    message = f"{platform}: no node runs its steps, so packages without a wheel cannot be compiled"
    fix = (
        "on the machine of a node: `docker run --privileged --rm tonistiigi/binfmt --install "
        f"{platform.split('/')[1]}`, or add a node: `docker buildx create --append`"
    )
    return Finding(_CHECK, "warning", message, fix, {"platform": platform, "runs": None})


def _here(platform: str, facts: EngineFacts) -> Finding:
    if platform in native_platforms(facts.machine):
        return _runs(platform, "the processor", "processor")
    if platform in facts.emulated:
        return _runs(platform, "QEMU, by binfmt_misc", "emulator")
    told: dict[str, object] = {"platform": platform, "runs": None}
    start = f"nox -s engine -- start --platform {platform}"
    if why := facts.useless.get(platform):
        fix = f"run `{start}`, which registers another one" if facts.superuser else NEXT_STEP
        return Finding(_CHECK, "warning", f"{platform}: {why}", fix, told)
    if facts.superuser:
        message = f"{platform}: no emulator yet; a build whose steps need one sets it up"
        return Finding(_CHECK, "ok", message, facts=told)
    message = f"{platform}: no emulator, so packages without a wheel cannot be compiled"
    return Finding(_CHECK, "warning", message, NEXT_STEP, told)


def _runs(platform: str, what: str, kind: str) -> Finding:
    facts = {"platform": platform, "runs": kind}
    return Finding(_CHECK, "ok", f"{platform}: {what}", facts=facts)


def _normal(platforms: Iterable[str]) -> set[str]:
    """Return platforms as the spec names them, by whatever name a builder lists them."""
    return {str(Platform.parse(platform)) for platform in platforms}
