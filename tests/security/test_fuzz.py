"""Bytes that nobody chose: every reader gives a result or an error of ours, whatever it reads.

``ASTROKIT_FUZZ=100`` makes a hundred times as many examples.
"""

from __future__ import annotations

import os
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astrokit.errors import AstrokitError
from tests.interchange.examples.inference import fit
from tests.security.hostile import HEAD, ecsv, sound
from tests.security.test_hostile import READERS

TIMES = int(os.environ.get("ASTROKIT_FUZZ", "1"))
FUZZED = settings(
    max_examples=12 * TIMES,
    deadline=None,
    derandomize=TIMES == 1,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CELL = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.integers(-(10**30), 10**30).map(str),
    st.sampled_from(["", "nan", "-", '"', "'", "#", "2025-07-03", "12:00", "1e999", "\0", "é"]),
    st.text(max_size=8),
)
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=12), max_size=6)


def change(content: bytes, edits: list[tuple[int, int]], cut: int) -> bytes:
    """Return bytes with some of them changed, and perhaps cut off."""
    changed = bytearray(content)
    for where, byte in edits:
        changed[where % len(changed)] = byte
    return bytes(changed[: len(changed) - cut % len(changed)] if cut else changed)


EDITS = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=12)
CUT = st.one_of(st.just(0), st.integers(0, 1 << 20))


def try_all(path) -> None:
    for read in READERS.values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read(path)
            except AstrokitError:
                continue


@pytest.fixture
def target(tmp_path):
    return tmp_path / "input.ipynb"  # the one ending that a reader asks for


@FUZZED
@given(content=st.binary(max_size=2000))
def test_any_bytes(target, content):
    target.write_bytes(content)
    try_all(target)


@FUZZED
@given(rows=ROWS, separator=st.sampled_from([",", " ", "\t", "|"]))
def test_tables_under_a_known_header(target, rows, separator):
    body = "\n".join(separator.join(row) for row in rows)
    head = HEAD.replace(b",", separator.encode())
    target.write_bytes(head + body.encode("utf-8", errors="replace"))
    try_all(target)


@FUZZED
@given(edits=EDITS, cut=CUT)
def test_changed_fits_files(target, edits, cut):
    # Most bytes of a FITS file are blanks: aim at its cards and numbers.
    used = [i for i, byte in enumerate(sound()) if byte not in (0, 32)]
    aimed = [(used[where % len(used)], byte) for where, byte in edits]
    target.write_bytes(change(sound(), aimed, cut))
    try_all(target)


@FUZZED
@given(edits=EDITS, cut=CUT)
def test_changed_ecsv_files(target, edits, cut):
    target.write_bytes(change(ecsv(b""), edits, cut))
    try_all(target)


@FUZZED
@given(edits=EDITS, cut=CUT)
def test_changed_results(target, edits, cut):
    fit().save(target)
    content = target.read_bytes()
    used = [i for i, byte in enumerate(content) if byte]
    aimed = [(used[where % len(used)], byte) for where, byte in edits]
    target.write_bytes(change(content, aimed, cut))
    try_all(target)


@FUZZED
@given(meta=st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_yaml_in_the_header_of_a_table(target, meta):
    target.write_bytes(ecsv(f"# meta: {meta}\n".encode()))
    try_all(target)


@FUZZED
@given(text=st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=8))
def test_any_json_as_a_notebook(target, text):
    import json

    target.write_text(json.dumps({"cells": text}), encoding="utf-8")
    try_all(target)
