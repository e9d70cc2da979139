"""Run every ``bench_*.py`` of this folder and print the table of ratios."""

from __future__ import annotations

import argparse
import importlib
import platform
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.rows import Row, number
from benchmarks.store import write

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the chosen benchmarks; print one table for each as it is finished."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(known)}")
    parser.add_argument("--fast", action="store_true", help="smaller sizes, for a quick look")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FOLDER",
        help="keep the numbers there, as docs/performance does for its page",
    )
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(known)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")

    print(f"Python {platform.python_version()}, {platform.machine()}; CPU time, one process\n")
    for name in chosen.names or known:
        start = time.perf_counter()
        rows = importlib.import_module(f"benchmarks.bench_{name}").run(chosen.fast)
        print(f"{name} ({time.perf_counter() - start:.0f} s)\n{table(rows)}\n", flush=True)
        if chosen.write:
            write(name, rows, chosen.write)


def table(rows: Iterable[Row]) -> str:
    """Return the rows as aligned text."""
    head = ("what", "astrokit", "peer", "unit", "ratio", "required", "", "note")
    lines = [head] + [
        (
            row.name,
            number(row.ours),
            number(row.peer),
            row.unit,
            number(row.ratio),
            "" if row.required is None else f">= {row.required:g}",
            row.verdict,
            row.note,
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    right = {1, 2, 4, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


if __name__ == "__main__":
    main()
