"""Causes that lie in the index of packages."""

from __future__ import annotations

from nox_buildkit.engine.events.rule import Rule, rule
from nox_buildkit.errors import Code

INDEX: tuple[Rule, ...] = (
    rule(
        "no-wheel",
        "log",
        r"(?P<name>[\w.-]+)==(?P<version>[\w.!+-]+) has no (?:usable )?wheels"
        r"(?: with a matching Python (?:ABI|version|implementation) tag| with a matching platform "
        r"tag)?(?: \(e\.g\., `(?P<tag>[^`]+)`\))?",
        "{name} {version} has no wheel for {platform}{tag}",
        "lock a version that has one, or leave that platform out",
        code=Code.NO_WHEEL,
    ),
    rule(
        "hash-mismatch",
        "log",
        r"Hash mismatch for `(?P<name>[^`]+)`",
        "what the index serves as {name} is not the file that was locked",
        "lock it anew if you know why it changed; if not, do not trust it",
        code=Code.PACKAGE_INDEX,
    ),
    rule(
        "index-denied",
        "log",
        r"An index(?: URL)? \((?P<url>[^)]+)\) (?:could not be queried due to a lack of valid "
        r"authentication|returned a 403)|\b40[13] (?:Unauthorized|Forbidden)\b",
        "the package index does not let the build in ({url})",
        "give it credentials that are valid, and check its address",
        code=Code.PACKAGE_INDEX,
    ),
    rule(
        "index-untrusted",
        "log",
        r"invalid peer certificate: (?P<why>[^\n]+)|certificate verify failed|UnknownIssuer",
        "the TLS certificate of the package index is not trusted ({why})",
        "behind a proxy that inspects TLS, name its CA bundle in SSL_CERT_FILE",
        code=Code.PACKAGE_INDEX,
    ),
    rule(
        "index-unreachable",
        "log",
        r"(?:error sending request for url|Failed to fetch:|Request failed)(?s:.*?)"
        r"(?P<why>dns error|failed to lookup address information|[Cc]onnection refused"
        r"|[Cc]onnection reset|[Nn]etwork is unreachable|timed out|HTTP status server error[^\n]*)",
        "the package index cannot be reached ({why})",
        "check its address, the network and the proxy variables (a CA bundle: SSL_CERT_FILE)",
        code=Code.PACKAGE_INDEX,
    ),
    rule(
        "not-in-index",
        "log",
        r"Because (?P<name>[\w.-]+) was not found in the package registry",
        "the package index has no {name}",
        "check the name and which index is used",
        code=Code.PACKAGE_INDEX,
    ),
)
