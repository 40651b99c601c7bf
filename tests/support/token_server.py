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
    """The registry at ``address``; ``asked``: who asked for a token, and its scope."""

    address: str
    password: str = PASSWORD
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
            if secret != server.password:
                self._send(401, {}, b"{}")
                return
            self._send(200, {}, json.dumps({"token": f"for {scope}"}).encode())

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
                    self._token(who, who.partition(":")[2], parse_qs(url.query)["scope"][0])
                return
            actions = "pull" if self.command in ("GET", "HEAD") else "pull,push"
            repository = url.path.removeprefix("/v2/").partition("/blobs")[0]
            scope = f"repository:{repository}:{actions}"
            held = self.headers.get("Authorization", "")
            if not held.startswith(f"Bearer for {scope}"):
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
