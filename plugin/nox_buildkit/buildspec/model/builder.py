"""The keys of a buildx builder that a spec describes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from nox_buildkit.buildspec.model import constraints, publishing
from nox_buildkit.buildspec.model.field_types import Name, Platform, Schema, Several, Text, Unique
from nox_buildkit.buildspec.model.runtime import AS_MAPPING, AS_TEXT, form
from nox_buildkit.buildspec.model.strict import Strict
from nox_buildkit.buildspec.text import Invalid

OptionName: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.option_name),
    Schema({"pattern": f"^{publishing.OPTION_NAME}$"}),
]


Endpoint: TypeAlias = Annotated[
    str,
    AfterValidator(publishing.endpoint),
    Schema({"pattern": f"^{publishing.ENDPOINT}$"}),
]


class Tls(Strict):
    """Certificates for a remote BuildKit, which asks for one itself; paths relative to the spec."""

    ca: Text = Field(description="Certificate of the authority.", examples=["certs/ca.pem"])
    cert: Text = Field(description="Certificate of this client.", examples=["certs/cert.pem"])
    key: Text = Field(description="Private key of this client.", examples=["certs/key.pem"])
    server_name: Text | None = Field(
        default=None,
        description="Name in the server's certificate, if it is not that of the endpoint.",
        examples=["buildkit.example.com"],
    )


class Node(Strict):
    """A machine that builds, or several of them in a Kubernetes cluster."""

    endpoint: Endpoint | None = Field(
        default=None,
        description="Address: `tcp://HOST:PORT` or `unix://PATH` of a BuildKit (`remote`), a "
        "docker context or `ssh://HOST` (`docker-container`). When left out: the current context.",
        examples=["tcp://buildkit-arm64.example.com:1234"],
    )
    platforms: Unique[Platform] = Field(
        default=(),
        description="Platforms that this node builds, before those that can do so too.",
        examples=[["linux/arm64"]],
    )
    tls: Tls | None = Field(
        default=None,
        description="Certificates, for the driver `remote`.",
        examples=[{"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}],
    )
    driver_opts: dict[OptionName, Text] = Field(
        default={},
        description="Options of the driver (buildx, `--driver-opt`).",
        examples=[{"namespace": "ci", "replicas": 2}],
    )


class Builder(Strict):
    """A buildx builder, which is created where there is none of its name."""

    name: Name = Field(description="Name in buildx.", examples=["farm"])
    driver: Literal["docker-container", "remote", "kubernetes"] = Field(
        default="docker-container",
        description="buildx driver: containers on docker hosts, BuildKits that run already, or a "
        "Kubernetes cluster.",
        examples=["remote"],
    )
    nodes: Annotated[Several[Node], AfterValidator(constraints.filled), Schema({"minItems": 1})] = (
        Field(
            description="Machines that build; each platform goes to the one that is for it.",
            examples=[[{"endpoint": "tcp://amd64:1234"}, {"endpoint": "tcp://arm64:1234"}]],
        )
    )

    @model_validator(mode="after")
    def _fits_its_driver(self) -> Builder:
        for number, node in enumerate(self.nodes):
            if self.driver == "remote" and not node.endpoint:
                raise Invalid("a remote node needs 'endpoint'", "add it", at=("nodes", number))
            if self.driver == "kubernetes" and node.endpoint:
                message = "a node of Kubernetes has no 'endpoint'"
                hint = "the cluster is that of your kubeconfig"
                raise Invalid(message, hint, at=("nodes", number, "endpoint"))
            if node.tls and self.driver != "remote":
                message = f"'tls' is not for the driver {self.driver}"
                raise Invalid(message, at=("nodes", number, "tls"))
        return self


BuilderOrName: TypeAlias = Annotated[
    Annotated[Name, Tag(AS_TEXT)] | Annotated[Builder, Tag(AS_MAPPING)], Discriminator(form)
]
