"""Packages with C, C++, Cython or Rust in their sources, and programs that call their machine code.

`MOST_DOWNLOADED` are those of the index that are downloaded most (November 2026), in that order,
without those that only a part of machines could compile at all: sources that fetch crates or
further sources while they are compiled (cryptography, pydantic-core, rpds-py, watchfiles, jiter,
hf-xet, bcrypt, tokenizers, tiktoken, ruff, matplotlib), that need a library that Debian has not
(pyarrow, google-crc32c), or an hour and more of two cores natively (pandas, grpcio, scipy,
scikit-learn).
"""

from __future__ import annotations

from dataclasses import dataclass

#: What any of them is compiled with, besides compilers: all have it, so that it is assembled once.
BUILD_APT = (
    "cargo", "cmake", "libffi-dev", "libjpeg62-turbo-dev", "libldap-dev",
    "libmariadb-dev", "libpq-dev", "libsasl2-dev", "libxml2-dev", "libxslt1-dev", "libyaml-dev",
    "libzmq3-dev", "ninja-build", "zlib1g-dev",
)  # fmt: skip
#: What they are linked with.
APT = (
    "libffi8", "libjpeg62-turbo", "libldap2", "libmariadb3", "libpq5",
    "libpython3.13", "libsasl2-2", "libxml2", "libxslt1.1", "libyaml-0-2", "libzmq5", "zlib1g",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A package and a program that calls its machine code.

    ``limit``: the versions that compile here; ``more``: other packages that the program takes.
    """

    name: str
    smoke: str
    limit: str = ""
    more: tuple[str, ...] = ()


MOST_DOWNLOADED = (
    Case("pyyaml", "import yaml; assert yaml.load('[1]', yaml.CSafeLoader) == [1]"),
    Case("cffi", "import cffi; f = cffi.FFI(); f.cdef('int abs(int);'); f.dlopen(None).abs(-4)"),
    Case("numpy", "import numpy as n; n.linalg.inv(n.eye(2)); assert n.finfo('g').nmant == 112"),
    Case(
        "protobuf",
        "from google._upb import _message; from google.protobuf.struct_pb2 import Struct as S; "
        "S().update({'a': 1})",
    ),
    Case("markupsafe", "from markupsafe._speedups import _escape_inner as e; e('<')"),
    Case("aiohttp", "from aiohttp import _http_parser"),
    Case("yarl", "from yarl import _quoting_c"),
    Case("multidict", "from multidict import _multidict as m; m.CIMultiDict(a=1)['A']"),
    Case("propcache", "from propcache import _helpers_c"),
    Case("frozenlist", "from frozenlist import _frozenlist as f; f.FrozenList([1])"),
    Case("pillow", "from PIL import Image; Image.new('RGB', (2, 2)).resize((4, 4))"),
    Case("greenlet", "from greenlet import greenlet as g; assert g(lambda: 42).switch() == 42"),
    Case("wrapt", "from wrapt import _wrappers as w; assert w.ObjectProxy(3) == 3"),
    Case("websockets", "from websockets.speedups import apply_mask as a; a(b'ab', b'1234')"),
    Case("sqlalchemy", "from sqlalchemy.util import has_compiled_ext as h; assert h()"),
    Case("lxml", "from lxml import etree; assert etree.fromstring('<a/>').tag == 'a'"),
    Case("psutil", "import psutil; assert psutil.Process().memory_info().rss"),
    Case("regex", "import regex; assert regex.match(r'\\p{L}+', 'ab').end() == 2"),
    Case("coverage", "from coverage import tracer"),
    Case("msgpack", "from msgpack import _cmsgpack as m; m.Packer().pack([1])"),
    Case("psycopg2-binary", "import psycopg2; assert psycopg2.__libpq_version__"),
    Case("pynacl", "from nacl.bindings import crypto_hash_sha256 as h; assert len(h(b'')) == 32"),
    Case("uvloop", "import asyncio, uvloop; uvloop.run(asyncio.sleep(0))"),
    Case("httptools", "import httptools as h; assert h.parse_url(b'http://a/b').path == b'/b'"),
    Case("kiwisolver", "import kiwisolver as k; assert (k.Variable('x') + 1).value() == 1"),
    Case("contourpy", "import contourpy as c; c.contour_generator(z=[[0, 1], [2, 3]]).lines(1)"),
    # The newest that Debian's rustc compiles; its crates are in its sources.
    Case("orjson", "import orjson; assert orjson.dumps([1]) == b'[1]'", "<3.11.4"),
    Case("xxhash", "import xxhash; assert xxhash.xxh32(b'').intdigest() == 46947589"),
    Case("zstandard", "import zstandard as z; assert z.decompress(z.compress(b'a')) == b'a'"),
    Case("rapidfuzz", "from rapidfuzz import fuzz_cpp as f; assert f.ratio('ab', 'ab') == 100"),
)

#: Build systems and habits that those do not have, and what has no wheel for any platform.
OTHERS = (
    Case("mysqlclient", "from MySQLdb import _mysql; _mysql.get_client_info()"),
    Case("psycopg-c", "import psycopg; assert psycopg.pq.__impl__ == 'c'", more=("psycopg",)),
    Case("python-ldap", "import _ldap; _ldap.initialize('ldap://localhost')"),
    Case("pyzmq", "import zmq; assert zmq.Context().socket(zmq.PAIR)"),
    Case("tornado", "from tornado import speedups"),
    Case("uwsgi", "import subprocess as s; s.run(['uwsgi', '--version'], check=True)"),
)
