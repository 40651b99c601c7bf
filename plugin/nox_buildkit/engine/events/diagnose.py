"""The cause of a failed bake in a sentence, and the next step.

Pure; the table of known causes is causes.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from nox_buildkit.engine.events.causes import ENGINE_GONE, RULES
from nox_buildkit.engine.events.progress import BuildProgress
from nox_buildkit.engine.events.rule import Rule
from nox_buildkit.engine.events.vertex import Vertex
from nox_buildkit.errors import BuildError, Code, Problem
from nox_buildkit.printable import redacted

_PROCESS = re.compile(r'process "(?:[^"\\]|\\.)*" ', re.DOTALL)
_CONTEXT = re.compile(r"docker\.io/library/([^@/]+)@sha256:.*")
#: Of a reader that cannot begin in the middle (moby/buildkit, util/contentutil).
_IN_PART = "failed to copy: unsupported offset"


class Cancelled(BuildError):
    """A build that was cancelled, and not from here."""


class LoadedInPart(BuildError):
    """A build that cannot go on with a content which one before has loaded in part."""


def diagnose(progress: BuildProgress, text: Sequence[str], builder: str = "") -> BuildError:
    """The error for a failed bake; ``text``: what buildx wrote beside the rawjson objects.

    Vertices that failed for the same cause make one problem that names them all. ``builder``: its
    name, if the engine is not our own.
    """
    error = _diagnose(progress, text)
    if all(problem.code is Code.INTERRUPTED for problem in error.problems):
        return Cancelled(*error.problems)
    if any(_IN_PART in vertex.error for vertex in progress.failed):
        return LoadedInPart(*error.problems)
    if not builder:
        return error
    hint = f"`docker buildx inspect {builder}` shows its nodes; finished steps are kept"
    gone, named = ENGINE_GONE.message, f"a node of the builder {builder} went away"
    return BuildError(
        *(
            replace(problem, message=problem.message.replace(gone, named), hint=hint)
            if gone in problem.message
            else problem
            for problem in error.problems
        )
    )


def _diagnose(progress: BuildProgress, text: Sequence[str]) -> BuildError:
    said = spoken(text)
    causes: dict[Problem, list[Vertex]] = {}
    for vertex in progress.failed:
        log = "\n".join(progress.log(vertex.digest))
        cause = _cause(progress, vertex, log, said)
        causes.setdefault(cause, []).append(vertex)
    if not causes:
        return BuildError(_cause(progress, None, "", said))
    # An output that fails ends the sessions of the others, which then miss the engine.
    if len(causes) > 1:
        causes.pop(ENGINE_GONE.code(ENGINE_GONE.message, ENGINE_GONE.hint), None)
    return BuildError(
        *(
            replace(cause, message=f"{_places(progress, vertices)}: {cause.message}")
            for cause, vertices in causes.items()
        )
    )


def rule_of(log: str, error: str) -> tuple[Rule, re.Match[str]] | None:
    """The first rule that fits what a step wrote, and what BuildKit said of it."""
    # The command is no evidence: it may well speak of disks that are full.
    error = _PROCESS.sub("", error)
    for rule in RULES:
        if rule.where != "error" and (match := rule.pattern.search(log)):
            return rule, match
        if rule.where != "log" and (match := rule.pattern.search(error)):
            return rule, match
    return None


def last_lines(progress: BuildProgress, count: int = 20) -> tuple[str, ...]:
    """The last lines of the log of the step that failed first."""
    return progress.log(progress.failed[0].digest)[-count:] if progress.failed else ()


def _cause(progress: BuildProgress, vertex: Vertex | None, log: str, said: str) -> Problem:
    # What buildx says at the end may be about another vertex, which this one took down with it.
    own = vertex.error if vertex else ""
    found = rule_of(log, own)
    error = f"{own}\n{said}"
    if found is None or found[0].name == "cancelled":
        found = rule_of(log, error)
    if found is None:
        lines = [line for line in error.splitlines() if line.strip()]
        return Code.STEP(lines[-1] if lines else "buildx ended without a word")
    rule, match = found
    values = {key: _shown(key, value) for key, value in match.groupdict().items()}
    platforms = _platforms(progress, vertex) if vertex else ()
    asked = [name for image in vertex.images for name in progress.images[image]] if vertex else []
    values["platform"] = " and ".join(platforms) or f"one of {', '.join(dict.fromkeys(asked))}"
    values["source"] = _source(vertex.name.text) if vertex else "the build context"
    message = rule.message.format_map(values).replace(" ()", "")
    return rule.code(
        message,
        rule.hint.format_map(values),
        about=next((values[key] for key in _SUBJECTS if values.get(key)), ""),
    )


def _source(instruction: str) -> str:
    """Say where an instruction reads files."""
    if stage := re.search(r"--from=(\S+)", instruction):
        return f"the stage {stage[1]}"
    taken = re.search(r"[=,]from=taken-", instruction)
    return "the image that it is taken from" if taken else "the build context"


#: Parts of a log that are a value of the spec or of the plan.
_SUBJECTS = ("debian", "account", "package", "path")


def _shown(key: str, value: str | None) -> str:
    if value is None:
        return ""
    value = redacted(value.strip())
    if key == "ref":
        # A named context is known to BuildKit by a made-up reference.
        return _CONTEXT.sub(r"'\1'", value)
    return f" ({value})" if key == "tag" else value


def _platforms(progress: BuildProgress, vertex: Vertex) -> tuple[str, ...]:
    if not vertex.images:
        return (vertex.name.platform,) if vertex.name.platform else ()
    own = [progress.platform(vertex, image) for image in vertex.images]
    return tuple(dict.fromkeys(platform for platform in own if platform))


def _places(progress: BuildProgress, vertices: Sequence[Vertex]) -> str:
    """Images, platforms and step of what failed: ``api, linux/arm64, native packages 1/2``."""
    images = [name for name in progress.images if any(name in one.images for one in vertices)]
    platforms = dict.fromkeys(name for one in vertices for name in _platforms(progress, one))
    parts = (" and ".join(images), " and ".join(platforms), vertices[0].name.step_words)
    return ", ".join(filter(None, parts)) or "build"


def spoken(text: Sequence[str]) -> str:
    """The ERROR lines with what follows them, or all there is."""
    joined = "\n".join(text)
    start = joined.find("ERROR: ")
    return joined[start:].replace("ERROR: ", "") if start >= 0 else joined


def explain_base(reference: str, message: str) -> Problem:
    """The problem of a base that could not be resolved before the build, by the same rules."""
    message = message.strip() or "buildx ended without a word"
    error = f"failed to resolve source metadata for {reference}: {message}"
    found = rule_of("", error)
    if found is None:
        last = message.splitlines()[-1]
        return Code.BASE_IMAGE(f"the base {reference} cannot be resolved: {last}")
    rule, match = found
    values = {key: _shown(key, value) for key, value in match.groupdict().items()}
    return rule.code(rule.message.format_map(values), rule.hint.format_map(values))
