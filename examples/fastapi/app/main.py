"""A FastAPI application in its smallest useful form."""

import platform

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def read_root() -> dict[str, str]:
    """Greet, and say which processor answers."""
    return {"hello": "world", "machine": platform.machine()}
