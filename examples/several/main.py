"""The server."""

from __future__ import annotations

import os
import platform

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def read_root() -> dict[str, str | int]:
    return {"hello": "several", "machine": platform.machine(), "parent": os.getppid()}
