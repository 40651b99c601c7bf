"""The last stage of a Dockerfile, and how it is put together of several targets."""

from __future__ import annotations

from collections.abc import Iterator

from nox_buildkit.plan.model import ImagePlan
from nox_buildkit.plan.parts import Healthcheck, with_group
from nox_buildkit.plan.planner import VENV
from nox_buildkit.plan.wheel_platforms import PLATFORMS
from nox_buildkit.render import quote
from nox_buildkit.render.inputs import PRESTART
from nox_buildkit.render.steps import apt, copy_layer


def final(image: ImagePlan) -> list[str]:
    """The stage that is the image: the layers in their order, and the configuration."""
    config = image.config
    lines = ["FROM base AS final"]
    if image.apt:
        lines += ["ARG TARGETARCH", "USER 0:0", *apt(image.apt)]
    lines.append(f"WORKDIR {quote.dockerfile_word(config.workdir)}")
    if image.has_packages:
        lines.append(copy_layer("deps-pure"))
    if image.has_native:
        lines.append(copy_layer("deps-native"))
    if image.own:
        lines.append(copy_layer("deps-own"))
    lines.append(copy_layer("app"))
    if image.steps:
        lines.append(copy_layer("steps"))
    # Above the sources, whose folders belong to root.
    lines.append(copy_layer("surroundings"))
    # A base that has the environment names it already.
    lines += variables(image, path=image.has_packages and not image.extends)
    lines += [f"EXPOSE {quote.dockerfile_word(port)}" for port in config.expose]
    lines.append(f"USER {quote.dockerfile_word(with_group(config.user))}")
    if config.volumes:
        lines.append(f"VOLUME {quote.expanded_words(config.volumes)}")
    if config.stop_signal:
        lines.append(f"STOPSIGNAL {quote.dockerfile_word(config.stop_signal)}")
    if config.healthcheck:
        lines.append(_healthcheck(config.healthcheck))
    entrypoint = config.entrypoint
    if image.prestart:
        python = f"{VENV}/bin/python" if image.has_environment else "python3"
        entrypoint = (python, "-I", PRESTART, *(entrypoint or ()))
    if entrypoint is not None:
        lines.append(f"ENTRYPOINT {quote.exec_form(entrypoint)}")
    if config.command is not None:
        lines.append(f"CMD {quote.exec_form(config.command)}")
    lines += [
        f"LABEL {quote.dockerfile_word(name)}={quote.dockerfile_word(value)}"
        for name, value in config.labels
    ]
    return lines


def variants(image: ImagePlan) -> list[str]:
    """The stage that takes what is different on a platform from a target of its own."""
    own = [PLATFORMS[one.platform].architecture for one in image.platforms]
    others = [
        (context_of(variant), PLATFORMS[one.platform].architecture)
        for variant in image.variants
        for one in variant.platforms
    ]
    return [
        "# What is different on a platform is a target of its own.",
        *(f"FROM final AS final-{name}" for name in own),
        *(f"FROM {context} AS final-{name}" for context, name in others),
        "FROM final-$TARGETARCH",
    ]


def context_of(variant: ImagePlan) -> str:
    """The name of the context that is a variant of an image."""
    return variant.platforms[0].platform.replace("/", "-")


def variables(image: ImagePlan, *, path: bool) -> Iterator[str]:
    """Environment variables; ``path``: whether the virtual environment is to be found."""
    if path:
        yield f'ENV PATH="{VENV}/bin:$PATH"'
    yield from (f"ENV {name}={quote.dockerfile_word(value)}" for name, value in image.config.env)


def _healthcheck(check: Healthcheck) -> str:
    options = {
        "interval": check.interval,
        "timeout": check.timeout,
        "start-period": check.start_period,
        "start-interval": check.start_interval,
        "retries": check.retries,
    }
    stated = "".join(f"--{name}={value} " for name, value in options.items() if value)
    return f"HEALTHCHECK {stated}CMD {quote.exec_form(check.test)}"
