"""Causes that lie in a step: accounts, Debian packages, compilers, memory, the network."""

from __future__ import annotations

from nox_buildkit.engine.events.rule import Rule, rule
from nox_buildkit.errors import Code

STEPS: tuple[Rule, ...] = (
    rule(
        "account-number",
        "log",
        r"(?m)^nox-buildkit: the base has a (?P<kind>user|group) '(?P<account>[^']+)' with the ID "
        r"(?P<number>\d+), not (?P<wanted>\d+)$",
        "the base has a {kind} '{account}' with the ID {number}, not {wanted}",
        "write that ID, or give the user another name",
        code=Code.ACCOUNT,
    ),
    rule(
        "account-taken",
        "log",
        r"(?m)^nox-buildkit: the ID (?P<wanted>\d+) of '(?P<account>[^']+)' belongs to the "
        r"(?P<kind>user|group) '(?P<other>[^']+)' of the base$",
        "the ID {wanted} of '{account}' belongs to the {kind} '{other}' of the base",
        "write another ID",
        code=Code.ACCOUNT,
    ),
    rule(
        "debian-name-alike",
        "log",
        r"(?ms)^E: Unable to locate package (?P<debian>\S+)$.*^names like (?P=debian): "
        r"(?P<names>\S[^\n]*)$",
        "no package in the base's sources is named '{debian}'",
        "did you mean one of {names}?",
        code=Code.DEBIAN_PACKAGE,
    ),
    rule(
        "debian-name",
        "log",
        r"(?m)^E: (?:Unable to locate package|nothing was installed for) (?P<debian>\S+)$",
        "no package in the base's sources is named '{debian}'",
        "packages.debian.org lists those of each release of Debian",
        code=Code.DEBIAN_PACKAGE,
    ),
    rule(
        "debian-virtual",
        "log",
        r"(?m)^E: Package '(?P<debian>\S+)' has no installation candidate$",
        "no package in the base's sources is '{debian}', which may be a virtual package",
        "the step's last lines have what apt says of it; name a package that provides it",
        code=Code.DEBIAN_PACKAGE,
    ),
    rule(
        "build-requirements",
        "log",
        r"(?ms)(?:Failed to (?:resolve|install) requirements from"
        r"|^its build requirements cannot be installed$).*^(?P<package>\S+) cannot be compiled",
        "{package} cannot be compiled: what its build requires cannot be installed",
        "the step's last lines say why; the package index has to have it",
        code=Code.COMPILATION,
    ),
    rule(
        "header-missing",
        "log",
        r"(?ms)fatal error: (?P<file>\S+): No such file.*^(?P<package>\S+) cannot be compiled",
        "{package} cannot be compiled: there is no {file}",
        "add the Debian package that has it to 'build-apt' (packages.debian.org searches contents)",
        code=Code.COMPILATION,
    ),
    rule(
        "library-missing",
        "log",
        r"(?ms)cannot find -l(?P<file>[^\s:]+).*^(?P<package>\S+) cannot be compiled",
        "{package} cannot be compiled: there is no library {file} to link with",
        "add the Debian package that has it to 'build-apt' (most often lib{file}-dev)",
        code=Code.COMPILATION,
    ),
    rule(
        "rust-missing",
        "log",
        r"(?ms)(?:Do you have cargo in your PATH|[Cc]an't find Rust compiler|puccinialin"
        r"|no Rust toolchain|cargo: (?:command )?not found).*^(?P<package>\S+) cannot be compiled",
        "{package} cannot be compiled: there is no Rust compiler",
        "add 'cargo' to 'build-apt'; of a version that is too old, take a newer base",
        code=Code.COMPILATION,
    ),
    rule(
        "compiler-missing",
        "log",
        r"(?ms)command '(?P<file>\S+?)' failed: No such file.*^(?P<package>\S+) cannot be compiled",
        "{package} cannot be compiled: there is no program {file}",
        "add its Debian package to 'build-apt', or take a 'build-base' with compilers",
        code=Code.COMPILATION,
    ),
    rule(
        "not-compiled",
        "log",
        r"(?m)^(?P<package>\S+) cannot be compiled",
        "{package} has no wheel, and cannot be compiled",
        "what it needs besides a compiler belongs into 'build-apt'; or pin a version with a wheel",
        code=Code.COMPILATION,
    ),
    rule(
        "out-of-memory",
        "error",
        r"exit code: 137(?!.*context canceled)",
        "the step was killed, most often for want of memory",
        "give the engine more memory, or build fewer platforms at once",
        code=Code.OUT_OF_MEMORY,
    ),
    rule(
        "no-network",
        "error",
        r"network bridge not found",
        "this engine has no network for the steps of a build",
        "let the steps use the host's (network: host)",
        code=Code.STEP,
    ),
)
