"""A registry behind a token server (distribution, Token Authentication Specification)."""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.support.registries import PASSWORD


@dataclass
class TokenServer:
    """The registry at ``address``; ``asked``: who asked for a token, and its scope.

    ``denied``: repositories that nobody may read; ``busy``: how often no token is handed out yet.
    """

    address: str
    password: str = PASSWORD
    denied: set[str] = field(default_factory=set)
    busy: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def serve_with_tokens(upstream: str) -> Iterator[TokenServer]:
    """Pass requests to the registry ``upstream`` that carry a token of the scope they need."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        raw_requestline: bytes

        def parse_request(self) -> bool:
            if not self.raw_requestline.startswith(b"\x16"):
                return super().parse_request()
            # A client that tries TLS.
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            self.close_connection = True
            return False

        def _token(self, who: str, secret: str, scope: str) -> None:
            server.asked.append((who, scope))
            if server.busy:
                server.busy -= 1
                self._send(503, {"Retry-After": "0"}, b"{}")
                return
            if secret != server.password:
                self._send(401, {}, b"{}")
                return
            # A scope that is not granted is left out.
            granted = [each for each in scope.split() if each.split(":")[1] not in server.denied]
            self._send(200, {}, json.dumps({"token": f"for {' '.join(granted)}"}).encode())

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            if url.path == "/token":
                login = self.headers.get("Authorization", "").removeprefix("Basic ")
                who = base64.b64decode(login).decode()
                if self.command == "POST":
                    form = parse_qs(body.decode())
                    secret = form["refresh_token"][0]
                    self._token(f"refresh_token {secret}", secret, form["scope"][0])
                else:
                    scopes = " ".join(parse_qs(url.query)["scope"])
                    self._token(who, who.partition(":")[2], scopes)
                return
            actions = "pull" if self.command in ("GET", "HEAD") else "pull,push"
            repository = url.path.removeprefix("/v2/").partition("/blobs")[0]
            needed = [f"repository:{repository}:{actions}"]
            needed += [f"repository:{each}:pull" for each in parse_qs(url.query).get("from", ())]
            held = self.headers.get("Authorization", "").removeprefix("Bearer for ").split()
            actual = {each.partition(":pull,push")[0] for each in held}
            if not all(each in held or each.removesuffix(":pull") in actual for each in needed):
                scope = " ".join(needed)
                realm = f'realm="http://{server.address}/token",service="test",scope="{scope}"'
                self._send(401, {"WWW-Authenticate": f"Bearer {realm}"}, b"{}")
                return
            client = http.client.HTTPConnection(upstream, timeout=60)
            kept = {k: v for k, v in self.headers.items() if k != "Authorization"}
            client.request(self.command, self.path, body, kept)
            response = client.getresponse()
            self._send(response.status, dict(response.getheaders()), response.read())
            client.close()

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name not in ("Content-Length", "Transfer-Encoding", "Connection"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else len(body)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server = TokenServer(f"127.0.0.1:{listener.server_port}")
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield server
        listener.shutdown()
