"""Signatures and attestations by cosign, with a key pair or with an identity.

Options that cosign calls deprecated are not used: services are chosen by a signing configuration
(sigstore/cosign, doc/cosign_sign.md, `--signing-config`).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
from nox_buildkit.engine.client import client_environment
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.files import cache_dir, private_dir, write_atomic
from nox_buildkit.printable import redacted
from nox_buildkit.progress import SILENT, Progress
from nox_buildkit.run import Done, run

_SECONDS = 300
#: Uses neither a transparency log nor a timestamping authority.
_NO_SERVICES = (
    '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json",'
    '"rekorTlogConfig":{},"tsaConfig":{}}\n'
)
#: Statuses for no signature, none that matches, none with a certificate.
#: Source: sigstore/cosign, cmd/cosign/errors/exit_codes.go.
_NONE = frozenset((10, 12, 13))
#: The same of statements and of signatures in bundles, which have no status of their own.
_NO_STATEMENT = ("no matching attestations", "none of the attestations matched the predicate type")


@dataclass(frozen=True, slots=True)
class Signer:
    """Whoever signs: a ``key`` (path, ``env://…`` or the address of a key service), or an identity.

    ``public_key`` checks what the key signed; ``identity`` (a regular expression) and ``issuer``
    check what an identity signed; ``logged``: in the public transparency log.
    """

    key: str = ""
    public_key: str = ""
    identity: str = ""
    issuer: str = ""
    logged: bool = False


@dataclass(frozen=True, slots=True)
class Cosign:
    """The program at ``path``, and who signs with it."""

    path: Path
    signer: Signer

    @classmethod
    def find(cls, signer: Signer, report: Progress = SILENT) -> Cosign:
        """Return the cosign on PATH, else Debian's. Raises EngineError."""
        if installed := shutil.which("cosign"):
            return cls(Path(installed), signer)
        # Signing configurations came with cosign 3.
        candidates = [[SuitePackage("cosign", suite)] for suite in ("testing", "unstable")]
        prefix = provision(
            "cosign",
            candidates,
            lambda prefix: check_runs(prefix / "usr/bin/cosign", "version"),
            report,
        )
        return cls(prefix / "usr/bin/cosign", signer)

    def sign(self, reference: str) -> None:
        """Sign an index by digest, and the image of each platform in it. Raises ReleaseError."""
        if not self.verifies(reference):
            self._ask("sign", "--recursive", *self._signing(), reference)

    def attest(self, reference: str, kind: str, predicate: Path) -> None:
        """Attach a signed statement about an image; ``kind``: cosign's name for its predicate.

        It is not attached twice. Raises ReleaseError.
        """
        if json.loads(predicate.read_bytes()) not in self._attested(reference, kind):
            options = ("--type", kind, "--predicate", str(predicate))
            self._ask("attest", *options, *self._signing(), reference)

    def verifies(self, reference: str) -> bool:
        """Tell whether there is a signature that this signer made. Raises ReleaseError."""
        return self._verified("verify", reference) is not None

    def _verified(self, command: str, reference: str, *options: str) -> Done | None:
        """Return what cosign tells of signatures that this signer made; None if there is none.

        Raises ReleaseError where cosign cannot find that out.
        """
        log = () if self.signer.logged else ("--insecure-ignore-tlog=true",)
        done = self._run(command, *options, *self._whose(), *log, reference)
        if not done.returncode:
            return done
        cause = _cause(done)
        if done.returncode in _NONE or cause.startswith(_NO_STATEMENT):
            return None
        message = f"cosign {command} of {reference} fails: {cause}"
        hint = "check that the registry can be reached, and the public key or the identity"
        raise ReleaseError(Code.SIGNATURE(message, hint))

    def _attested(self, reference: str, kind: str) -> list[Any]:
        """Return the predicates of a ``kind`` that this signer has attested of an image."""
        done = self._verified("verify-attestation", reference, "--type", kind)
        found = []
        # An envelope in each line (in-toto, DSSE).
        for line in done.output.splitlines() if done else ():
            with contextlib.suppress(ValueError, LookupError, TypeError):
                found.append(json.loads(base64.b64decode(json.loads(line)["payload"]))["predicate"])
        return found

    def _whose(self) -> Sequence[str]:
        """Return the options that say whose signature it is. Raises ReleaseError."""
        signer = self.signer
        if signer.key or signer.public_key:
            return ("--key", signer.public_key or str(self._public_key()))
        identity = ("--certificate-identity-regexp", signer.identity)
        return (*identity, "--certificate-oidc-issuer", signer.issuer)

    def _public_key(self) -> Path:
        """Return the public part of the key that signs. Raises ReleaseError."""
        done = self._run("public-key", "--key", self.signer.key)
        if done.returncode:
            message = f"the public key of {self.signer.key} cannot be had: {_cause(done)}"
            hint = "name it as 'public-key', or set COSIGN_PASSWORD"
            raise ReleaseError(Code.SIGNATURE(message, hint))
        name = hashlib.sha256(done.output.encode()).hexdigest()
        path = private_dir(cache_dir() / "cosign") / f"{name}.pub"
        write_atomic(path, done.output)
        return path

    def _signing(self) -> Sequence[str]:
        options = ["--yes"]
        if self.signer.key:
            options += ["--key", self.signer.key]
        if not self.signer.logged:
            path = private_dir(cache_dir() / "cosign") / "no-services.json"
            write_atomic(path, _NO_SERVICES)
            options += ["--signing-config", str(path)]
        return options

    def _ask(self, command: str, *arguments: str) -> None:
        done = self._run(command, *arguments)
        if done.returncode:
            message = f"cosign does not {command} {arguments[-1]}: {_cause(done)}"
            hint = "check the key and COSIGN_PASSWORD" if self.signer.key else "check the identity"
            raise ReleaseError(Code.SIGNATURE(message, hint))

    def _run(self, *arguments: str) -> Done:
        return run(
            [self.path, *arguments],
            what=f"cosign {arguments[0]}",
            env=client_environment(),
            seconds=_SECONDS,
            raises=ReleaseError,
        )


def _cause(done: Done) -> str:
    """Return the line in which cosign tells why it failed; hints come after it."""
    lines = [line for line in done.errors.splitlines() if line.startswith(("Error:", "error "))]
    return redacted(lines[0].removeprefix("Error: ")) if lines else done.cause
