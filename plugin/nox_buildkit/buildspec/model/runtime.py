"""The keys of an image besides packages and sources."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from nox_buildkit.buildspec.model.field_types import (
    CachePath,
    CopiedPath,
    Duration,
    EnvName,
    FileMode,
    Filled,
    InnerPath,
    Program,
    Retries,
    SystemPath,
    Text,
    Unique,
    User,
    UserId,
    UserName,
)
from nox_buildkit.buildspec.model.strict import Strict
from nox_buildkit.buildspec.text import Invalid


class Healthcheck(Strict):
    """A health check. Docker and Compose run it, Kubernetes does not."""

    test: Program = Field(
        description="Program that ends with 0 if the container is healthy, in exec form. Values of "
        "the environment as in `command`.",
        examples=[["python", "-m", "app.health"]],
    )
    interval: Duration | None = Field(
        default=None,
        description="Time between two checks (Docker: 30s).",
        examples=["30s"],
    )
    timeout: Duration | None = Field(
        default=None,
        description="Time after which a check has failed (Docker: 30s).",
        examples=["5s"],
    )
    start_period: Duration | None = Field(
        default=None,
        description="Time to start in, during which failures do not count (Docker: 0s).",
        examples=["1m30s"],
    )
    start_interval: Duration | None = Field(
        default=None,
        description="Time between two checks while it starts (Docker: 5s).",
        examples=["1s"],
    )
    retries: Retries | None = Field(
        default=None,
        description="Failures in a row that make a container unhealthy (Docker: 3).",
        examples=[3],
    )


class Account(Strict):
    """A user with an ID of its own. The build makes it, if the base does not have it."""

    name: UserName = Field(description="Name of the user, and of its group.", examples=["app"])
    uid: UserId = Field(description="ID of the user.", examples=[999])
    gid: UserId | None = Field(
        default=None,
        description="ID of its group; without it, that of the user.",
        examples=[100],
    )

    from_environment: bool = Field(
        default=False,
        description="Start as root, and become the user of the variables PUID and PGID; `uid` and "
        "`gid` stand for those that are not set. For volumes whose owner is another one on each "
        "machine. The guide tells what it costs.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _is_not_root(self) -> Account:
        if self.from_environment and self.uid == 0:
            message = "0 is root, which is given up"
            raise Invalid(message, "name another user", at=("uid",))
        return self

    @property
    def ids(self) -> str:
        """``uid:gid``."""
        return f"{self.uid}:{self.uid if self.gid is None else self.gid}"


def form(value: object) -> str:
    """Return the mark of the form that a value has: of a mapping, or of text."""
    return AS_MAPPING if isinstance(value, dict | BaseModel) else AS_TEXT


#: Marks of the two forms in pydantic's errors; neither YAML nor an argument has such a key.
AS_TEXT, AS_MAPPING = "\0text", "\0mapping"

UserOrAccount: TypeAlias = Annotated[
    Annotated[User, Tag(AS_TEXT)] | Annotated[Account, Tag(AS_MAPPING)], Discriminator(form)
]


class File(Strict):
    """One file at a place of its own, as configuration is."""

    source: InnerPath = Field(
        description="The file, relative to the context. It need not be part of `copy`.",
        examples=["deploy/uwsgi.ini"],
    )
    target: SystemPath = Field(
        description="Where it is in the image.",
        examples=["/etc/uwsgi.ini"],
    )
    mode: FileMode = Field(
        default="0644",
        description="Its mode in octal digits, in quotes.",
        examples=["0440"],
    )
    owner: User = Field(
        default="0:0",
        description="Who it belongs to: uid, uid:gid or name.",
        examples=["0:10001"],
    )


class Step(Strict):
    """A program of the application that makes files for the image, such as Django's collectstatic.

    It runs once, on the machine that builds, with all packages and sources, and without a network.
    """

    run: Program = Field(
        description="The program, in exec form; it starts in the working folder.",
        examples=[["python", "manage.py", "collectstatic", "--noinput"]],
    )
    output: Filled[CopiedPath] = Field(
        description="Files and folders that it makes, relative to the working folder.",
        examples=[["static"]],
    )
    env: dict[EnvName, Text] = Field(
        default_factory=dict,
        description="Environment variables of this step alone. No secrets: they are in no layer, "
        "but in the build's cache.",
        examples=[{"DJANGO_SECRET_KEY": "only-for-the-build"}],
    )
    cache: Unique[CachePath] = Field(
        default=(),
        description="Folders that are kept from build to build.",
        examples=[["/var/cache/assets"]],
    )
