"""An application in one file."""

from __future__ import annotations

import platform

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def read_root() -> dict[str, str]:
    return {"hello": "world", "machine": platform.machine()}
