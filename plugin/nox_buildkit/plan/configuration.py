"""The process configuration of an image: its own keys over those that it inherits."""

from __future__ import annotations

import re

from nox_buildkit.buildspec.model.targets import Target
from nox_buildkit.buildspec.model.variant import Variant
from nox_buildkit.errors import Code, PlanError
from nox_buildkit.plan.facts import Facts, InspectedBase
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.process import Healthcheck, ImageConfig, Start
from nox_buildkit.plan.start_programs import programs_of


def config_of(target: Target, facts: Facts, parent: ImagePlan | None, start: Start) -> ImageConfig:
    """Return the configuration of ``target`` over that of its ``parent``, which starts ``start``.

    Raises PlanError.
    """
    image, known = target.variant, facts.targets[target.name]
    wrapped = bool(programs_of(target))
    return ImageConfig(
        workdir=target.workdir,
        user=target.user,
        env=_environment(image, parent),
        entrypoint=_entrypoint(image, start.entrypoint or (), wrapped=wrapped),
        command=_command(target, start.command, wrapped=wrapped),
        expose=tuple(str(port) for port in image.expose),
        labels=_labels(target, facts, known.context.version, parent),
        volumes=image.volumes,
        stop_signal=image.stop_signal,
        healthcheck=_healthcheck(image),
    )


def _healthcheck(image: Variant) -> Healthcheck | None:
    check = image.healthcheck
    return Healthcheck(**check.model_dump()) if check else None


def parent_start(base: InspectedBase, parent: ImagePlan | None) -> Start:
    """Return what a container of the base starts."""
    return parent.starts if parent else Start(base.entrypoint, base.command)


def start_of(config: ImageConfig, inherited: Start) -> Start:
    """Return what a container starts; a stated entrypoint drops the command of the base."""
    if config.entrypoint is not None:
        return Start(config.entrypoint, config.command)
    command = config.command if config.command is not None else inherited.command
    return Start(inherited.entrypoint, command)


def _entrypoint(image: Variant, base: tuple[str, ...], *, wrapped: bool) -> tuple[str, ...] | None:
    """Return the image's own entrypoint; None keeps that of the base, before a command.

    ``wrapped``: programs come before it, which are an entrypoint, too.
    """
    if image.entrypoint is not None or not (image.command or wrapped):
        return image.entrypoint
    # An interpreter would take the program's name for that of a script.
    program = base[0] if base else ""
    if image.command and re.fullmatch(r"(?:.*/)?python[0-9.]*", program):
        return ()
    # Stating an entrypoint of any kind takes the place of the base's.
    return base if wrapped and base else None


def _command(
    target: Target, inherited: tuple[str, ...] | None, *, wrapped: bool
) -> tuple[str, ...] | None:
    image = target.variant
    if image.command is not None or not wrapped:
        return image.command
    if not image.prestart:
        return inherited if image.entrypoint is None else None
    # What runs before it is an entrypoint, which takes the command of the base away.
    if not inherited:
        message = f"'{image.base}' has no command that it could come before"
        raise PlanError(Code.CONTRADICTION(message, "add a 'command'", target.location("prestart")))
    return inherited


def _environment(image: Variant, parent: ImagePlan | None) -> tuple[tuple[str, str], ...]:
    # A container's log is read as it is written, and its file system is not for byte code.
    defaults = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    if parent:
        defaults = dict(parent.config.env)
    return tuple({**defaults, **image.env}.items())


def _labels(
    target: Target, facts: Facts, version: str, parent: ImagePlan | None
) -> tuple[tuple[str, str], ...]:
    """OCI annotations (image specification, annotations.md) as labels; the spec's own win."""
    git = facts.git
    labels = {
        "org.opencontainers.image.title": target.image,
        "org.opencontainers.image.source": git.source if git else "",
        "org.opencontainers.image.revision": _revision(facts),
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.created": (
            facts.created.strftime("%Y-%m-%dT%H:%M:%SZ") if facts.created else ""
        ),
    }
    # What is not known of it is not to be inherited.
    inherited = dict(parent.config.labels) if parent else {}
    known = {key: value for key, value in labels.items() if value or inherited.get(key)}
    return tuple(sorted({**known, **target.variant.labels}.items()))


def _revision(facts: Facts) -> str:
    if not facts.git:
        return ""
    return f"{facts.git.revision}{'-dirty' if facts.git.dirty else ''}"
