"""A proxy before a real registry, which lets a test decide the fate of each request."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

#: Of a method and a path: a status to answer with, 0 to cut the connection, None to pass it on.
Fault = Callable[[str, str], int | None]


def no_fault(method: str, path: str) -> int | None:
    """Pass every request on."""
    return None


@dataclass
class FaultyRegistry:
    """The proxy at ``address``; ``seen``: methods and paths of the requests so far.

    ``headers``: of answers that are faults.
    """

    address: str
    fault: Fault = no_fault
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def serve_faulty(upstream: str) -> Iterator[FaultyRegistry]:
    """Pass requests to the registry ``upstream`` (host:port), as far as the fault allows."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        raw_requestline: bytes

        def parse_request(self) -> bool:
            if not self.raw_requestline.startswith(b"\x16"):
                return super().parse_request()
            # A client that tries TLS takes this for the answer of a registry without it.
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            self.close_connection = True
            return False

        def _answer(self) -> None:
            body = self._body()
            proxy.seen.append((self.command, self.path))
            status = proxy.fault(self.command, self.path)
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            if status:
                self._send(status, list(proxy.headers.items()), b"")
                return
            client = http.client.HTTPConnection(upstream, timeout=60)
            headers = {k: v for k, v in self.headers.items() if k != "Transfer-Encoding"}
            client.request(self.command, self.path, body, headers)
            response = client.getresponse()
            self._send(response.status, response.getheaders(), response.read())
            client.close()

        def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            length = dict(headers).get("Content-Length", str(len(body)))
            for name, value in headers:
                if name not in ("Content-Length", "Transfer-Encoding", "Connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy = FaultyRegistry(f"127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield proxy
        server.shutdown()
