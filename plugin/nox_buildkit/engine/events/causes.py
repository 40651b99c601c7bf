"""Known causes of failed bakes: how each is recognised, said, and what to try next.

The texts are BuildKit's, buildx's and uv's own, taken from recorded failures
(tests/unit/streams). The first rule that fits wins, so the order matters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rule:
    """A known cause. ``where``: what the step wrote, or what BuildKit and buildx said.

    ``message`` and ``hint`` are formats over the pattern's groups and ``platform``; the group
    ``debian`` is a name of the spec.
    """

    name: str
    where: Literal["log", "error", "any"]
    pattern: re.Pattern[str]
    message: str
    hint: str


def _rule(
    name: str, where: Literal["log", "error", "any"], pattern: str, message: str, hint: str
) -> Rule:
    return Rule(name, where, re.compile(pattern), message, hint)


_LOGIN = "log in with 'docker login {host}', or check the name"
_HTTP = "name it under 'insecure-registries' of the engine, or give the registry a certificate"
_REF = r"(?P<ref>(?P<host>[^\s/]+)\S*)"
_BASE = rf"failed to resolve source metadata for {_REF}: "
_DENIED = r"(?:\b40[13]\b|denied|insufficient_scope|authorization failed|unauthorized)"
_UNREACHED = (
    r"(?P<why>connection refused|no such host|i/o timeout|network is unreachable|x509: [^\n]+)"
)
_FULL = r"(?:[Nn]o space left on device|[Dd]isk quota exceeded)"

ENGINE_GONE = _rule(
    "engine-gone",
    "error",
    r"error reading from server: (?:EOF|[^\n]*connection reset)"
    r"|Cannot connect to the Docker daemon|transport is closing"
    r"|failed to receive status: .*Unavailable|failed to connect to the docker API"
    r"|graceful_stop",
    "the build engine went away",
    "see 'nox -s engine -- status', then build again: finished steps are kept",
)

RULES: tuple[Rule, ...] = (
    ENGINE_GONE,
    _rule(
        "no-builder",
        "error",
        r'no builder "(?P<builder>[^"]+)" found',
        "there is no builder {builder}",
        "'docker buildx ls' shows the ones there are",
    ),
    _rule(
        "no-containerd-store",
        "error",
        r"(?P<what>OCI exporter|Multi-platform build|\w+ export(?:er)?) is not supported for the "
        r"(?P<driver>\S+) driver",
        "this engine cannot do it: {what} is not supported for its {driver} driver",
        "turn on its containerd image store, or use another builder",
    ),
    _rule(
        "disk-full",
        "any",
        _FULL,
        "no space left on device",
        "free some ('docker buildx prune'), or build where there is more",
    ),
    _rule(
        "no-emulation",
        "any",
        r"exec format error",
        "a step runs a program of {platform}, which this machine cannot do",
        "set up QEMU emulation, or use a builder with a {platform} node",
    ),
    _rule(
        "account-number",
        "log",
        r"(?m)^nox-buildkit: the base has a (?P<kind>user|group) '(?P<account>[^']+)' with the ID "
        r"(?P<number>\d+), not (?P<wanted>\d+)$",
        "the base has a {kind} '{account}' with the ID {number}, not {wanted}",
        "write that ID, or give the user another name",
    ),
    _rule(
        "account-taken",
        "log",
        r"(?m)^nox-buildkit: the ID (?P<wanted>\d+) of '(?P<account>[^']+)' belongs to the "
        r"(?P<kind>user|group) '(?P<other>[^']+)' of the base$",
        "the ID {wanted} of '{account}' belongs to the {kind} '{other}' of the base",
        "write another ID",
    ),
    _rule(
        "debian-name-alike",
        "log",
        r"(?ms)^E: Unable to locate package (?P<debian>\S+)$.*^names like (?P=debian): "
        r"(?P<names>\S[^\n]*)$",
        "no package in the base's sources is named '{debian}'",
        "did you mean one of {names}?",
    ),
    _rule(
        "debian-name",
        "log",
        r"(?m)^E: (?:Unable to locate package|nothing was installed for) (?P<debian>\S+)$",
        "no package in the base's sources is named '{debian}'",
        "packages.debian.org lists those of each release of Debian",
    ),
    _rule(
        "debian-virtual",
        "log",
        r"(?m)^E: Package '(?P<debian>\S+)' has no installation candidate$",
        "no package in the base's sources is '{debian}', which may be a virtual package",
        "the step's last lines have what apt says of it; name a package that provides it",
    ),
    _rule(
        "header-missing",
        "log",
        r"(?ms)fatal error: (?P<file>\S+): No such file.*^(?P<package>\S+) cannot be compiled",
        "{package} cannot be compiled: there is no {file}",
        "add the Debian package that has it to 'build-apt' (packages.debian.org searches contents)",
    ),
    _rule(
        "library-missing",
        "log",
        r"(?ms)cannot find -l(?P<file>[^\s:]+).*^(?P<package>\S+) cannot be compiled",
        "{package} cannot be compiled: there is no library {file} to link with",
        "add the Debian package that has it to 'build-apt' (most often lib{file}-dev)",
    ),
    _rule(
        "not-compiled",
        "log",
        r"(?m)^(?P<package>\S+) cannot be compiled",
        "{package} has no wheel, and cannot be compiled",
        "what it needs besides a compiler belongs into 'build-apt'; or pin a version with a wheel",
    ),
    _rule(
        "out-of-memory",
        "error",
        r"exit code: 137(?!.*context canceled)",
        "the step was killed, most often for want of memory",
        "give the engine more memory, or build fewer platforms at once",
    ),
    _rule(
        "no-network",
        "error",
        r"network bridge not found",
        "this engine has no network for the steps of a build",
        "let the steps use the host's (network: host)",
    ),
    _rule(
        "base-no-platform",
        "error",
        _BASE + r"no match for platform in manifest",
        "the base {ref} is not made for {platform}",
        "use another base, or leave that platform out",
    ),
    _rule(
        "base-not-found",
        "error",
        _BASE + r"\S+: not found",
        "there is no base {ref}",
        "check its name and tag",
    ),
    _rule(
        "base-http",
        "error",
        _BASE + r".*server gave HTTP response to HTTPS client",
        "the registry of the base {ref} speaks plain HTTP",
        _HTTP,
    ),
    _rule(
        "base-denied",
        "error",
        _BASE + r".*" + _DENIED,
        "the registry does not hand out the base {ref}",
        _LOGIN,
    ),
    _rule(
        "base-unreachable",
        "error",
        _BASE + r".*?" + _UNREACHED,
        "the registry of the base {ref} cannot be reached ({why})",
        "check the name and the network, or use a base that needs no registry ('debian')",
    ),
    _rule(
        "layout-missing",
        "error",
        r'oci-layout reference "(?P<ref>[^"]+)" could not be resolved',
        "there is no OCI layout {ref}",
        "build again, so that the base is made anew",
    ),
    _rule(
        "context-missing",
        "error",
        r"failed to get build context (?P<name>\S+): stat (?P<path>.+?): no such file",
        "the build context {name} ({path}) does not exist",
        "check the path",
    ),
    _rule(
        "secret-missing",
        "error",
        r"secret (?P<name>[^\s:]+): not found",
        "a step asks for the secret {name}, which was not given",
        "give it to buildx with --secret",
    ),
    _rule(
        "file-missing",
        "error",
        r"failed to (?:stat|open(?: open)?) (?P<path>[^\s:]+):.*no such file or directory",
        "{path} does not exist",
        "check the path",
    ),
    _rule(
        "copy-missing",
        "error",
        r'failed to calculate checksum of ref \S+: "/?(?P<path>[^"]+)": not found',
        "COPY finds no {path} in {source}",
        "check the path, and for the build context .dockerignore too",
    ),
    _rule(
        "push-http",
        "error",
        rf"failed to push {_REF}: .*server gave HTTP response to HTTPS client",
        "the registry {host} speaks plain HTTP",
        _HTTP,
    ),
    _rule(
        "push-denied",
        "error",
        rf"failed to push {_REF}: .*{_DENIED}",
        "the registry {host} refuses {ref}",
        "log in with 'docker login {host}' as somebody who may write there",
    ),
    _rule(
        "push-unreachable",
        "error",
        rf"failed to push {_REF}: .*?{_UNREACHED}",
        "the registry {host} cannot be reached ({why})",
        "check its name and that it runs",
    ),
    _rule(
        "push-failed",
        "error",
        rf"failed to push {_REF}: (?P<why>[^\n]+)",
        "the registry did not take {ref}: {why}",
        "look at the registry's own log",
    ),
    _rule(
        "entitlement",
        "error",
        r"granting entitlement (?P<name>\S+) is not allowed|(?:requesting|additional) privileges",
        "the build asks for a privilege that it was not given",
        "allow it at the engine and with --allow",
    ),
    _rule(
        "dockerfile",
        "error",
        r"dockerfile parse error on (?P<line>line \d+): (?P<why>[^\n]+)",
        "the Dockerfile is wrong at {line}: {why}",
        "mend that line",
    ),
    _rule(
        "no-wheel",
        "log",
        r"(?P<name>[\w.-]+)==(?P<version>[\w.!+-]+) has no (?:usable )?wheels"
        r"(?: with a matching Python (?:ABI|version|implementation) tag| with a matching platform "
        r"tag)?(?: \(e\.g\., `(?P<tag>[^`]+)`\))?",
        "{name} {version} has no wheel for {platform}{tag}",
        "lock a version that has one, or leave that platform out",
    ),
    _rule(
        "hash-mismatch",
        "log",
        r"Hash mismatch for `(?P<name>[^`]+)`",
        "what the index serves as {name} is not the file that was locked",
        "lock it anew if you know why it changed; if not, do not trust it",
    ),
    _rule(
        "index-denied",
        "log",
        r"An index(?: URL)? \((?P<url>[^)]+)\) (?:could not be queried due to a lack of valid "
        r"authentication|returned a 403)|\b40[13] (?:Unauthorized|Forbidden)\b",
        "the package index does not let the build in ({url})",
        "give it credentials that are valid, and check its address",
    ),
    _rule(
        "index-untrusted",
        "log",
        r"invalid peer certificate: (?P<why>[^\n]+)|certificate verify failed|UnknownIssuer",
        "the TLS certificate of the package index is not trusted ({why})",
        "behind a proxy that inspects TLS, name its CA bundle in SSL_CERT_FILE",
    ),
    _rule(
        "index-unreachable",
        "log",
        r"(?:error sending request for url|Failed to fetch:|Request failed)(?s:.*?)"
        r"(?P<why>dns error|failed to lookup address information|[Cc]onnection refused"
        r"|[Cc]onnection reset|[Nn]etwork is unreachable|timed out|HTTP status server error[^\n]*)",
        "the package index cannot be reached ({why})",
        "check its address, the network and the proxy variables (a CA bundle: SSL_CERT_FILE)",
    ),
    _rule(
        "not-in-index",
        "log",
        r"Because (?P<name>[\w.-]+) was not found in the package registry",
        "the package index has no {name}",
        "check the name and which index is used",
    ),
    _rule(
        "base-other",
        "error",
        _BASE + r"(?P<why>[^\n]+)",
        "the base {ref} cannot be downloaded: {why}",
        "check its name",
    ),
    _rule(
        "step-failed",
        "error",
        r"did not complete successfully: (?P<why>exit code: \d+)",
        "the command failed ({why})",
        "its last lines say why",
    ),
    _rule(
        "cancelled",
        "error",
        r"context canceled|Canceled",
        "the build was cancelled",
        "",
    ),
)
