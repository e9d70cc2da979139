"""Make the tables of the pages from the numbers that the other scripts wrote.

python docs/survey/tables.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from astropy.table import Table

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write ``costs.inc``, ``saturation.inc`` and ``demonstration.inc``."""
    costs = Table.read(HERE / "costs.ecsv")
    write(
        "costs",
        ("analysis", "with", "CPU ms per target", "hours for 10<sup>6</sup> on 100 cores"),
        [
            (f"`{r['analysis']}`", r["with"], digits(r["cpu_ms"]), digits(r[costs.colnames[3]]))
            for r in costs
        ],
    )
    write(
        "saturation",
        ("what", "each target sleeps", "targets per second", "of the possible"),
        [
            (
                r["what"],
                f"{r['sleep']:.0f} ms" if r["what"].startswith(("client", "Dask")) else "",
                f"{r['targets_per_second']:.0f}",
                f"{100 * r['targets_per_second'] * r['sleep'] / 1e5:.0f} %" if r["sleep"] else "",
            )
            for r in Table.read(HERE / "saturation.ecsv")
        ],
    )
    write(
        "demonstration",
        ("analysis", "targets", "measured", "failed", "rows written", "identical to serial"),
        [
            (
                f"`{r['analysis']}`",
                str(r["targets"]),
                str(r["measured"]),
                str(r["failed"]),
                str(r["rows_in_parts"]),
                "yes" if r["identical"] else "NO",
            )
            for r in Table.read(HERE / "demonstration.ecsv")
        ],
    )


def digits(x: float) -> str:
    """Return three significant digits."""
    return f"{x:.0f}" if x >= 100 else f"{x:.3g}"


def write(name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write one table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    (HERE / f"{name}.inc").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
