"""The benchmark runner: what the table says about a ratio. Nothing is timed against a limit."""

from __future__ import annotations

import math
import time

import pytest

from benchmarks import store
from benchmarks.__main__ import main, table
from benchmarks.rows import Row, best_cpu_time, number


@pytest.mark.parametrize(
    ("ratio", "required", "verdict"),
    [(2.0, 2.0, "ok"), (1.9, 2.0, "short"), (math.nan, 2.0, "no peer"), (1.0, None, "")],
)
def test_the_verdict_compares_with_what_is_required(ratio, required, verdict):
    assert Row("x", 1.0, 2.0, ratio, "ms", required).verdict == verdict


def test_a_missing_peer_is_said_plainly():
    row = Row("fit", 1.25, math.nan, math.nan, "ms", 20.0, "stingray is not installed")
    line = table([row]).splitlines()[1]
    assert " ".join(line.split()) == "fit 1.25 - ms - >= 20 no peer stingray is not installed"


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1234"), (12.345, "12.3"), (0.012345, "0.0123"), (math.nan, "-")]
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_cpu_time_does_not_count_waiting_or_the_first_call():
    calls: list[int] = []

    def work():
        calls.append(1)
        time.sleep(0.2 if len(calls) == 1 else 0.001)

    assert best_cpu_time(work, repeats=2, minimum=1e-6) < 0.1
    assert len(calls) >= 4  # one to warm up, one to size the loop, two that count


def test_an_unknown_benchmark_is_refused_with_the_known_ones(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "strtup"])
    with pytest.raises(SystemExit):
        main()
    assert "there are:" in capsys.readouterr().err


FAST = Row("fit", 2.0, 30.123456, 15.061728, "ms", 10.0, "stingray 2.3")
ALONE = Row("  read", 5.0, math.nan, math.nan, "ms", None, "no peer")


def test_stored_rows_replace_those_of_the_same_benchmark_only(tmp_path):
    store.write("timing", [FAST, ALONE], tmp_path)
    store.write("bursts", [ALONE], tmp_path)
    store.write("timing", [FAST], tmp_path)
    table = store.read(tmp_path)
    assert list(zip(table["benchmark"], table["what"], strict=True)) == [
        ("bursts", "read"),
        ("timing", "fit"),
    ]
    assert table["ratio"][1] == 15.06
    assert math.isnan(table["peer"][0])
    assert (tmp_path / "timing.inc").read_text() == store.markdown([FAST])


def test_the_markdown_table_leaves_missing_numbers_empty():
    lines = store.markdown([FAST, ALONE]).splitlines()
    assert lines[2] == "| fit | 2 | 30.1 | ms | **15.1** | 10 | stingray 2.3 |"
    assert lines[3] == "| read | 5 |  | ms |  |  | no peer |"
    assert len({line.count("|") for line in lines}) == 1
