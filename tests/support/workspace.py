"""A uv workspace: a service that is a package, and a library that it depends on."""

from __future__ import annotations

from tests.support.project import NOXFILE

BACKEND = '[build-system]\nrequires = ["uv_build>=0.8"]\nbuild-backend = "uv_build"\n'
SPEC = """\
version: 1
images:
  api:
    context: services/api
    base: debian
    package: true
    command: [api]
"""
WORKSPACE = {
    "noxfile.py": NOXFILE,
    "buildspec.yaml": SPEC,
    "pyproject.toml": '[tool.uv.workspace]\nmembers = ["services/*", "libraries/*"]\n',
    "services/api/pyproject.toml": (
        '[project]\nname = "api"\nversion = "1.2"\nrequires-python = ">=3.11"\n'
        'dependencies = ["shared", "fast"]\nscripts = { api = "api:main" }\n'
        "[tool.uv.sources]\nshared = { workspace = true }\n" + BACKEND
    ),
    "services/api/src/api/__init__.py": (
        "import shared\n\n\ndef main():\n    print(shared.WHO, shared.plain.VERSION)\n"
    ),
    "libraries/shared/pyproject.toml": (
        '[project]\nname = "shared"\nversion = "0.3"\nrequires-python = ">=3.11"\n'
        'dependencies = ["plain==1.0"]\n' + BACKEND
    ),
    "libraries/shared/src/shared/__init__.py": 'import plain\n\nWHO = "shared"\n',
}
