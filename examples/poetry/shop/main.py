"""The application; orjson is written in Rust."""

from __future__ import annotations

import os
import platform

import orjson
from fastapi import FastAPI, Response

app = FastAPI()


@app.get("/")
def read_root() -> Response:
    content = {"hello": "shop", "machine": platform.machine(), "parent": os.getppid()}
    return Response(orjson.dumps(content), media_type="application/json")
