"""The configuration of an image, as instructions."""

from __future__ import annotations

from collections.abc import Sequence

from nox_buildkit.plan.application import with_group
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import Configure, SetEnvironment
from nox_buildkit.plan.packages import VENV
from nox_buildkit.plan.process import Healthcheck
from nox_buildkit.plan.start_programs import entrypoint_of, health_check_of
from nox_buildkit.render import quote


def set_environment(image: ImagePlan, operation: SetEnvironment) -> list[str]:
    """Set the environment variables of the image."""
    path = [f'ENV PATH="{VENV}/bin:$PATH"'] if operation.path else []
    return [
        *path,
        *(f"ENV {name}={quote.dockerfile_word(value)}" for name, value in image.config.env),
    ]


def configure(image: ImagePlan, _operation: Configure) -> list[str]:
    """Set user, ports, volumes, commands and labels."""
    config = image.config
    lines = [f"EXPOSE {quote.dockerfile_word(port)}" for port in config.expose]
    lines.append(f"USER {quote.dockerfile_word(with_group(config.user))}")
    if config.volumes:
        lines.append(f"VOLUME {quote.expanded_words(config.volumes)}")
    if config.stop_signal:
        lines.append(f"STOPSIGNAL {quote.dockerfile_word(config.stop_signal)}")
    if check := config.healthcheck:
        lines.append(_healthcheck(check, health_check_of(image, check.test)))
    if (entrypoint := entrypoint_of(image)) is not None:
        lines.append(f"ENTRYPOINT {quote.exec_form(entrypoint)}")
    if config.command is not None:
        lines.append(f"CMD {quote.exec_form(config.command)}")
    lines += [
        f"LABEL {quote.dockerfile_word(name)}={quote.dockerfile_word(value)}"
        for name, value in config.labels
    ]
    return lines


def _healthcheck(check: Healthcheck, test: Sequence[str]) -> str:
    options = {
        "interval": check.interval,
        "timeout": check.timeout,
        "start-period": check.start_period,
        "start-interval": check.start_interval,
        "retries": check.retries,
    }
    stated = "".join(f"--{name}={value} " for name, value in options.items() if value)
    return f"HEALTHCHECK {stated}CMD {quote.exec_form(test)}"
