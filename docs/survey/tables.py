"""Make the tables of the pages from the numbers that the other scripts wrote.

python docs/survey/tables.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from astropy.table import Table

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write ``costs.inc``, ``saturation.inc`` and ``demonstration.inc``."""
    write(
        "costs",
        ("analysis", "with", "CPU ms per target", "hours for 10<sup>6</sup> on 100 cores"),
        lambda r: (f"`{r['analysis']}`", r["with"], digits(r["cpu_ms"]), digits(r[3])),
    )
    write(
        "saturation",
        ("what", "each target sleeps", "targets per second", "of the possible"),
        lambda r: (
            r["what"],
            "" if "," in r["what"] else f"{r['sleep']:.0f} ms",
            f"{r['targets_per_second']:.0f}",
            f"{r['targets_per_second'] * r['sleep'] / 1e3:.0f} %" if r["sleep"] else "",
        ),
    )
    write(
        "demonstration",
        ("analysis", "targets", "measured", "failed", "rows written", "identical to serial"),
        lambda r: (
            f"`{r['analysis']}`",
            *(str(r[name]) for name in ("targets", "measured", "failed", "rows_in_parts")),
            "yes" if r["identical"] else "NO",
        ),
    )


def digits(x: float) -> str:
    """Return three significant digits."""
    return f"{x:.0f}" if x >= 100 else f"{x:.2g}" if x < 0.1 else f"{x:.3g}"


def write(name: str, head: Sequence[str], cells: Callable[[Any], Sequence[str]]) -> None:
    """Write one table in Markdown."""
    path = HERE / f"{name}.ecsv"
    if not path.exists():
        print(f"{path.name} is not there: its script did not run")
        return
    lines = [head, ["---"] * len(head), *(cells(row) for row in Table.read(path))]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    path.with_suffix(".inc").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
