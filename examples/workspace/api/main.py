"""A service in one file, behind a proxy that ends TLS."""

from __future__ import annotations

from common import machine
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/")
def read_root(request: Request) -> dict[str, str]:
    return {"hello": "api", "machine": machine(), "scheme": request.url.scheme}
