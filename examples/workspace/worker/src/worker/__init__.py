"""A service that is a package: its image has the wheel and no sources."""

from __future__ import annotations

import http.server
import json
import os
import sys

from common import machine


class Handler(http.server.BaseHTTPRequestHandler):
    """Says who answers."""

    def do_GET(self) -> None:
        content = json.dumps({"hello": "worker", "machine": machine()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Answer on the port that the first argument names, or PORT; 8000 by default."""
    port = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", "8000")
    http.server.HTTPServer(("", int(port)), Handler).serve_forever()
