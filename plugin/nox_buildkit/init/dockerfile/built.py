"""Stages that are built for a target, and those of them that have Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nox_buildkit.init.dockerfile.copied import copied
from nox_buildkit.init.dockerfile.stages import Instruction, Stage

#: Images of something else.
_FOREIGN = re.compile(
    r"(?:.*/)?(?:node|bun|deno|nginx|caddy|httpd|traefik|golang|rust|ruby|php|openjdk|postgres|mysql"
    r"|mariadb|redis|mongo|rabbitmq|eclipse-temurin|scratch|alpine|busybox)(?:[:@].*)?"
)
_PYTHON = re.compile(r"\b(?:python\d?|pip3?|uv|poetry|pdm|pipenv|conda|gunicorn|uvicorn)\b")
_MOUNT = re.compile(r"--mount=(\S+)")


def chain_of(stages: Sequence[Stage], target: str) -> list[Stage]:
    """Return the stage that is built after those that it begins with."""
    last = next((s for s in stages if s.name == target.lower()), None) if target else None
    here = last or (stages[-1] if stages else None)
    chain: list[Stage] = []
    while here:
        chain.insert(0, here)
        here = here.below
    return chain


def built_for(stages: Sequence[Stage], chain: Sequence[Stage]) -> list[Stage]:
    """Return the ``stages`` that are built for the last of ``chain``, in their order."""
    named = {name: stage for number, stage in enumerate(stages)
             for name in (str(number), stage.name) if name}  # fmt: skip
    reached: list[Stage] = []
    left = list(chain)
    while left:
        stage = left.pop()
        if stage not in reached:
            reached.append(stage)
            read = (named.get(name.lower()) for i in stage.instructions for name in _origins(i))
            left += [other for other in (*read, stage.below) if other]
    return [stage for stage in stages if stage in reached]


def has_python(stage: Stage) -> bool:
    """Tell whether Python is in a stage, as far as anything says so."""
    own = any(_PYTHON.search(f"{i.value} {i.heredoc}") for i in stage.instructions)
    below = stage.below is not None and has_python(stage.below)
    return own or below or bool(_PYTHON.search(stage.base))


def is_foreign(chain: Sequence[Stage]) -> bool:
    """Tell whether the last stage of ``chain`` is an image of something else than Python."""
    return bool(_FOREIGN.fullmatch(chain[0].base)) and not any(map(has_python, chain))


def _origins(each: Instruction) -> Iterator[str]:
    """Yield what an instruction reads files from."""
    if each.name == "COPY" and (found := copied(each)):
        yield found.origin
    for mount in _MOUNT.findall(each.value) if each.name == "RUN" else ():
        yield from (word[5:] for word in mount.split(",") if word.startswith("from="))
