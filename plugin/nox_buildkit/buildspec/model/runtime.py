"""The keys of an image besides packages and sources."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import (
    BaseModel,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nox_buildkit.buildspec.model import container_values, grammar
from nox_buildkit.buildspec.model.building_types import Checksum, TakenImage
from nox_buildkit.buildspec.model.field_types import (
    CachePath,
    CopiedPath,
    Duration,
    EnvName,
    FileMode,
    Filled,
    Program,
    Retries,
    Schema,
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
    """A file, or a folder with all that is in it, at a place of its own: configuration, assets."""

    # Before the source, whose rules depend on it.
    from_: TakenImage | None = Field(
        default=None,
        description="Image that it is taken from, instead of the context: any image reference, or "
        "`target:NAME` for another image of this spec.",
        examples=["ghcr.io/octocat/tini:0.19", "target:frontend"],
    )
    source: Annotated[str, Schema({"pattern": r"^[^~\\][^\\]*$"})] = Field(
        description="The file or folder, relative to the context; with `from`, its absolute path "
        "in that image. It need not be part of `copy`, and is taken though .gitignore or "
        ".dockerignore ignore it. Or the address of a file, which needs a `checksum`.",
        examples=["deploy/uwsgi.ini", "frontend/dist", "https://example.com/model.bin"],
    )
    checksum: Checksum | None = Field(
        default=None,
        description="Digest of a file that is downloaded; with another one, nothing is built.",
        examples=[f"sha256:{'0123456789abcdef' * 4}"],
    )
    target: SystemPath = Field(
        description="Where it is in the image; for a folder, where its content is.",
        examples=["/etc/uwsgi.ini", "/srv/static"],
    )
    mode: FileMode | None = Field(
        default=None,
        description="Its mode in octal digits, in quotes; of a folder, that of its files. When "
        "left out: 0644, and 0755 for what its owner can execute; with `from`, as in that image.",
        examples=["0440"],
    )
    owner: User = Field(
        default="0:0",
        description="Who it belongs to: uid, uid:gid or name.",
        examples=["0:10001"],
    )

    @field_validator("source")
    @classmethod
    def _in_context_or_image(cls, value: str, info: ValidationInfo) -> str:
        if "from_" not in info.data:
            # It is wrong itself.
            return value
        if info.data["from_"]:
            return container_values.image_path(value)
        return grammar.file_url(value) if "://" in value else grammar.inner_path(value)

    @model_validator(mode="after")
    def _knows_what_it_downloads(self) -> File:
        if self.is_downloaded and not self.checksum:
            message = "what is downloaded may be another file tomorrow"
            raise Invalid(
                message, "add 'checksum: sha256:…' of the file that is meant", ("source",)
            )
        if self.checksum and not self.is_downloaded:
            message = "a checksum is for a file that is downloaded"
            raise Invalid(message, "remove it", at=("checksum",))
        return self

    @property
    def is_downloaded(self) -> bool:
        """Tell whether it is the file of an address."""
        return "://" in self.source


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
        default={},
        description="Environment variables of this step alone. No secrets: they are in no layer, "
        "but in the build's cache.",
        examples=[{"DJANGO_SECRET_KEY": "only-for-the-build"}],
    )
    cache: Unique[CachePath] = Field(
        default=(),
        description="Folders that are kept from build to build.",
        examples=[["/var/cache/assets"]],
    )
