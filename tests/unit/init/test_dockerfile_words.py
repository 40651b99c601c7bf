"""Values and here-documents of a Dockerfile are what BuildKit takes them for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.unit.init.test_dockerfile import BASE, read


@pytest.mark.parametrize(
    ("lines", "env"),
    [
        ('ENV PYTHONPATH="${PYTHONPATH}:/app"', {"PYTHONPATH": ":/app"}),
        ('ARG G="hello world"\nENV TITLE=$G', {"TITLE": "hello world"}),
        ("ENV LIT='$NAME'", {"LIT": "$NAME"}),
        ('ENV OLD "C.UTF-8"', {"OLD": "C.UTF-8"}),
        ("ENV OLD a  b c", {"OLD": "a  b c"}),
        (r'ENV A=a\ b B=\$x C="a\"b" D="\b"', {"A": "a b", "B": "$x", "C": 'a"b', "D": r"\b"}),
        ("ENV A=1\nENV A=2 B=$A", {"A": "2", "B": "1"}),
        ("ENV A=${X:-${Y:-info}} B=${X:+no}x C=${A:?must}", {"A": "info", "B": "x", "C": ""}),
        ('ARG X=1\nENV A="${X:+it is ${X}}"', {"A": "it is 1"}),
        ("ENV PATH=/x:$PATH", {}),
    ],
)
def test_values_are_those_of_buildkit(lines: str, env: dict[str, str], tmp_path: Path) -> None:
    found = read(f"{BASE}{lines}\n", tmp_path)
    assert found.keys.get("env", {}) == env
    assert not found.notes


def test_a_value_of_the_base_is_said(tmp_path: Path) -> None:
    found = read(f"{BASE}ENV A=1\nENV B=/x:$PATH C=2\n", tmp_path)
    assert found.keys["env"] == {"A": "1", "C": "2"}
    assert found.notes == ["Dockerfile:4: ENV B: not taken over: it has a value of the base in it"]


def test_labels_have_values_with_spaces(tmp_path: Path) -> None:
    found = read(f'{BASE}ARG G="a b"\nLABEL "one.two"="x y" three=$G\n', tmp_path)
    assert found.keys["labels"] == {"one.two": "x y", "three": "a b"}


@pytest.mark.parametrize(
    ("lines", "notes"),
    [
        ('RUN python -c "print(1<<n)"', ['RUN python -c "print(1<<n)"']),
        ("COPY <<a <<b /data/\nCMD a\na\nCMD b\nb", ["COPY <<a <<b /data/"]),
        ('COPY <<"end-of-file" /data/a\nCMD a\nend-of-file', ['COPY <<"end-of-file" /data/a']),
        ("RUN <<EOF\napt-get install -y \\\n  curl \\\nEOF", []),
        ("RUN <<-EOF\n\tapt-get install -y curl\n\tEOF", []),
        ("RUN --mount=type=cache,target=/x \\\n# ours\n <<EOF\napt-get install -y curl\nEOF", []),
        ("RUN python <<EOF\nimport a; CMD = 1\nEOF", ["RUN python <<EOF"]),
        ("RUN <<EOF\n#!/usr/bin/env python\nimport a\nEOF", ["RUN <<EOF"]),
        ("RUN <<EOF\n#!/bin/bash -e\nmake\nEOF", ["RUN make"]),
    ],
)
def test_here_documents_are_no_instructions(lines: str, notes: list[str], tmp_path: Path) -> None:
    found = read(f'\ufeff{BASE}{lines}\nCMD ["serve"]\n', tmp_path)
    assert found.keys["command"] == ["serve"]
    assert found.keys.get("apt") == (["curl"] if "curl" in lines else None)
    assert found.notes == [f"Dockerfile:3: {note}: not taken over" for note in notes]


@pytest.mark.parametrize(
    "lines",
    ["a\n" * 100_000, "ENV A=" + "${A:-" * 30_000, "ENV A=" + "'" * 100_001, "RUN <<a\n" * 50_000],
)
def test_a_long_dockerfile_is_read_in_the_time_of_its_length(lines: str, tmp_path: Path) -> None:
    begun = time.process_time()
    read(f"{BASE}{lines}\n", tmp_path)
    assert time.process_time() - begun < 3
