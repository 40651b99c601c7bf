"""The Unix socket of a daemon, and the Docker Engine API on it."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import cast


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def answers(path: Path, timeout: float = 2) -> bool:
    """Tell whether a process listens on the socket ``path``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def version(path: Path, timeout: float = 2) -> str | None:
    """Version of the daemon that answers on the socket ``path``, None if none does in time."""
    connection = _UnixConnection(path, timeout)
    try:
        connection.request("GET", "/version")
        response = connection.getresponse()
        if response.status != http.client.OK:
            return None
        return cast("str", json.load(response)["Version"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()
