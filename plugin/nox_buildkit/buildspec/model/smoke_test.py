"""The keys of a test of a started container."""

from __future__ import annotations

from pydantic import Field, model_validator

from nox_buildkit.buildspec.model.field_types import (
    Duration,
    Port,
    Program,
    Text,
    Unique,
)
from nox_buildkit.buildspec.model.publishing_types import Module, UrlPath
from nox_buildkit.buildspec.model.strict import Strict
from nox_buildkit.buildspec.text import Invalid


class Test(Strict):
    """A check of a started container: an HTTP answer, a program, or modules to import."""

    http: UrlPath | None = Field(
        default=None,
        description="Path that the started container answers by HTTP, asked from outside of it.",
        examples=["/health"],
    )
    port: Port | None = Field(
        default=None,
        description="Port to ask; when left out, the first of `expose`.",
        examples=[8000],
    )
    status: int = Field(
        default=200,
        ge=100,
        le=599,
        description="Status code of the answer.",
        examples=[204],
    )
    run: Program | None = Field(
        default=None,
        description="Program to run in a container in place of the image's own, in exec form.",
        examples=[["python", "-m", "app", "--version"]],
    )
    exit: int = Field(
        default=0,
        ge=0,
        le=255,
        description="Status that the program ends with.",
        examples=[2],
    )
    contains: Text | None = Field(
        default=None,
        description="Text that the answer, or the output of the program, has somewhere.",
        examples=["ok"],
    )
    imports: Unique[Module] = Field(
        default=(),
        description="Modules that Python imports in a container.",
        examples=[["app", "fastapi"]],
    )
    timeout: Duration = Field(
        default="60s",
        description="Time for all of it; under emulation, ten times as much.",
        examples=["30s"],
    )

    @model_validator(mode="after")
    def _checks_one_thing(self) -> Test:
        stated = [bool(self.http), bool(self.run), bool(self.imports)]
        if sum(stated) != 1:
            raise Invalid("a test has one of 'http', 'run' and 'imports'", "add or remove one")
        if self.port and not self.http:
            raise Invalid("'port' is for 'http'", "remove it", at=("port",))
        return self
