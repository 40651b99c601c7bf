"""A BuildKit on TCP, as machines elsewhere offer it: in front of a dockerd, which has one inside.

dockerd speaks BuildKit's protocol after an upgrade of the connection (moby/moby, daemon/server/
router/grpc). With certificates, only clients that show one are let in.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trustme

_UPGRADE = (
    b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    b"Content-Length: 0\r\n\r\n"
)


@dataclass
class Endpoint:
    """``connections``: how many were opened; ``end`` breaks them off and takes no more."""

    socket: str
    address: str = ""
    connections: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def end(self) -> None:
        """Behave as a machine does that was switched off."""
        done = threading.Event()

        def close() -> None:
            if self._server:
                self._server.close()
            for writer in [*self._open]:
                writer.transport.abort()
            done.set()

        self._loop.call_soon_threadsafe(close)
        done.wait(5)

    async def serve(self, context: ssl.SSLContext | None, ready: threading.Event) -> None:
        """Serve until the loop is stopped."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=context)
        self.address = f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        ready.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        inner_reader, inner_writer = await asyncio.open_unix_connection(self.socket)
        self._open |= {writer, inner_writer}
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            inner_writer.write(_UPGRADE)
            answer = await inner_reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101"), answer
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        self._open -= {writer, inner_writer}
        for each in (writer, inner_writer):
            each.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@contextlib.contextmanager
def serve_buildkit(host: str, certificates: Path | None = None) -> Iterator[Endpoint]:
    """Serve the BuildKit of the dockerd at ``host`` (``unix://…``) on the loopback interface.

    ``certificates``: a folder, which gets ca.pem, cert.pem and key.pem for clients.
    """
    endpoint = Endpoint(host.removeprefix("unix://"))
    context = _context(certificates) if certificates else None
    ready = threading.Event()
    loop = endpoint._loop

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(endpoint.serve(context, ready))
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield endpoint
    finally:
        endpoint.end()
        # Connections notice that they were broken off.
        time.sleep(0.2)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def _context(folder: Path) -> ssl.SSLContext:
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("client@example.com")
    folder.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    client.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    client.private_key_pem.write_to_path(str(folder / "key.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    return context
