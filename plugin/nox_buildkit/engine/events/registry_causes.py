"""Causes that lie in registries, and in what a definition reads."""

from __future__ import annotations

from nox_buildkit.engine.events.rule import Rule, rule
from nox_buildkit.errors import Code

_LOGIN = "log in with 'docker login {host}', or check the name"
_HTTP = "name it under 'insecure-registries' of the engine, or give the registry a certificate"
_REF = r"(?P<ref>(?P<host>[^\s/]+)\S*)"
#: How BuildKit begins to say that a base cannot be resolved.
BASE = rf"failed to resolve source metadata for {_REF}: "
_DENIED = r"(?:\b40[13]\b|denied|insufficient_scope|authorization failed|unauthorized)"
_UNREACHED = (
    r"(?P<why>connection refused|no such host|i/o timeout|network is unreachable|x509: [^\n]+)"
)

REGISTRY: tuple[Rule, ...] = (
    rule(
        "base-no-platform",
        "error",
        BASE + r"no match for platform in manifest",
        "the base {ref} is not made for {platform}",
        "use another base, or leave that platform out",
        code=Code.BASE_IMAGE,
    ),
    rule(
        "base-not-found",
        "error",
        BASE + r"\S+: not found",
        "there is no base {ref}",
        "check its name and tag",
        code=Code.BASE_IMAGE,
    ),
    rule(
        "base-http",
        "error",
        BASE + r".*server gave HTTP response to HTTPS client",
        "the registry of the base {ref} speaks plain HTTP",
        _HTTP,
        code=Code.BASE_IMAGE,
    ),
    rule(
        "base-denied",
        "error",
        BASE + r".*" + _DENIED,
        "the registry does not hand out the base {ref}",
        _LOGIN,
        code=Code.BASE_IMAGE,
    ),
    rule(
        "base-unreachable",
        "error",
        BASE + r".*?" + _UNREACHED,
        "the registry of the base {ref} cannot be reached ({why})",
        "check the name and the network, or use a base that needs no registry ('debian')",
        code=Code.BASE_IMAGE,
    ),
    rule(
        "layout-missing",
        "error",
        r'oci-layout reference "(?P<ref>[^"]+)" could not be resolved',
        "there is no OCI layout {ref}",
        "build again, so that the base is made anew",
        code=Code.MISSING_INPUT,
    ),
    rule(
        "context-missing",
        "error",
        r"failed to get build context (?P<name>\S+): stat (?P<path>.+?): no such file",
        "the build context {name} ({path}) does not exist",
        "check the path",
        code=Code.MISSING_INPUT,
    ),
    rule(
        "secret-missing",
        "error",
        r"secret (?P<name>[^\s:]+): not found",
        "a step asks for the secret {name}, which was not given",
        "give it to buildx with --secret",
        code=Code.MISSING_INPUT,
    ),
    rule(
        "file-missing",
        "error",
        r"failed to (?:stat|open(?: open)?) (?P<path>[^\s:]+):.*no such file or directory",
        "{path} does not exist",
        "check the path",
        code=Code.MISSING_INPUT,
    ),
    rule(
        "copy-missing",
        "error",
        r'failed to calculate checksum of ref \S+: "/?(?P<path>[^"]+)": not found',
        "there is no {path} in {source}",
        "check the path, and for the build context .dockerignore too",
        code=Code.MISSING_INPUT,
    ),
    rule(
        "push-http",
        "error",
        rf"failed to push {_REF}: .*server gave HTTP response to HTTPS client",
        "the registry {host} speaks plain HTTP",
        _HTTP,
        code=Code.REGISTRY,
    ),
    rule(
        "push-denied",
        "error",
        rf"failed to push {_REF}: .*{_DENIED}",
        "the registry {host} refuses {ref}",
        "log in with 'docker login {host}' as somebody who may write there",
        code=Code.REGISTRY,
    ),
    rule(
        "push-unreachable",
        "error",
        rf"failed to push {_REF}: .*?{_UNREACHED}",
        "the registry {host} cannot be reached ({why})",
        "check its name and that it runs",
        code=Code.REGISTRY,
    ),
    rule(
        "push-failed",
        "error",
        rf"failed to push {_REF}: (?P<why>[^\n]+)",
        "the registry did not take {ref}: {why}",
        "look at the registry's own log",
        code=Code.REGISTRY,
    ),
    rule(
        "entitlement",
        "error",
        r"granting entitlement (?P<name>\S+) is not allowed|(?:requesting|additional) privileges",
        "the build asks for a privilege that it was not given",
        "allow it at the engine and with --allow",
        code=Code.BUILDER,
    ),
    rule(
        "dockerfile",
        "error",
        r"dockerfile parse error on (?P<line>line \d+): (?P<why>[^\n]+)",
        "the Dockerfile is wrong at {line}: {why}",
        "mend that line",
        code=Code.STEP,
    ),
)
