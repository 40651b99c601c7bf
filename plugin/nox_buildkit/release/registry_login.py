"""Logins to a registry: what `docker login` and its credential helpers keep, and what they get.

Sources: distribution, "Token Authentication Specification"; Docker, "docker login" (config.json,
credential stores, identity tokens), which docker-py reads.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests.auth import _basic_auth_str
from requests.utils import parse_dict_header

from nox_buildkit.engine.docker_config import user_config
from nox_buildkit.errors import Code
from nox_buildkit.release.patience import require_idle
from nox_buildkit.release.repository import RegistryError


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password, or an identity token; empty for nobody in particular."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def stored_login(registry: str) -> Login:
    """Return the login that docker has for ``registry``. Raises RegistryError."""
    # An import of a fifth of a second, of which most machines of CI need nothing.
    from docker import auth  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415

    try:
        # docker-py would look for a file at other places, too, where docker does not.
        stated = json.loads((user_config() / "config.json").read_bytes())
        config = auth.load_config(config_dict=stated)
        found = auth.resolve_authconfig(config, registry) or {}
    except FileNotFoundError:
        return Login()
    except (DockerException, OSError, ValueError) as error:
        message = f"the login of {registry} cannot be read: {error}"
        raise RegistryError(
            Code.REGISTRY_LOGIN(message, "check the docker configuration and its helpers")
        ) from None
    # Helpers give names with capitals, the file without.
    values = {key.lower(): value or "" for key, value in found.items()}
    return Login(
        values.get("username", ""), values.get("password", ""), values.get("identitytoken", "")
    )


@dataclass
class Authorization:
    """The headers that a registry wants: nothing, a password, or tokens of its token server.

    A token is good for what it was asked for, so each use has its own: to read, to write, and for
    each repository that something is mounted from.
    """

    login: Login
    session: requests.Session
    timeout: tuple[float, float]
    _headers: dict[str, str] = field(default_factory=dict, repr=False)
    _password: str = field(default="", repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def header(self, use: str) -> str:
        """Return the header for a ``use``, as far as one is known."""
        return self._headers.get(use, self._password)

    def renew(self, use: str, used: str, response: requests.Response) -> bool:
        """Get what ``response`` (401) asks for; ``used``: the header that it was the answer to.

        False if there is nothing better. Raises Busy, requests.RequestException.
        """
        with self._lock:
            if self.header(use) != used:
                # Another thread was faster.
                return True
            scheme, _, text = response.headers.get("WWW-Authenticate", "").partition(" ")
            challenge = _challenge(text)
            if scheme.lower() == "basic" and self.login.user:
                self._password = _basic_auth_str(self.login.user, self.login.password)
            elif scheme.lower() == "bearer" and _may_send(response.url, challenge.get("realm")):
                token = self._token(challenge)
                self._headers[use] = f"Bearer {token}" if token else ""
            return self.header(use) not in ("", used)

    def _token(self, challenge: dict[str, str]) -> str:
        realm, service = challenge["realm"], challenge.get("service", "")
        scopes = challenge.get("scope", "").split()
        asked: dict[str, str | list[str]] = {"service": service, "scope": scopes}
        if self.login.identity_token:
            form = {
                "grant_type": "refresh_token",
                "service": service,
                "scope": " ".join(scopes),
                "client_id": "nox-buildkit",
                "refresh_token": self.login.identity_token,
            }
            answer = self.session.post(realm, data=form, timeout=self.timeout)
        else:
            headers = {}
            if self.login.user:
                headers["Authorization"] = _basic_auth_str(self.login.user, self.login.password)
            answer = self.session.get(realm, params=asked, headers=headers, timeout=self.timeout)
        if answer.status_code != requests.codes.ok:
            message = f"{realm} answers {answer.status_code}, and not with a token"
            require_idle(answer, RegistryError(Code.REGISTRY(message, "run it again later")))
            return ""
        found = answer.json()
        return str(found.get("token") or found.get("access_token") or "")


def _challenge(text: str) -> dict[str, str]:
    """Read the parameters of a challenge (RFC 9110, 11.6.1)."""
    found: dict[str, str] = parse_dict_header(text)  # type: ignore[no-untyped-call]
    return found


def _may_send(registry: str, realm: str | None) -> bool:
    """Tell whether a login may go to the token server ``realm``: never less protected."""
    if not realm:
        return False
    scheme = urlsplit(realm).scheme
    return scheme == "https" or (scheme == "http" and urlsplit(registry).scheme == "http")
