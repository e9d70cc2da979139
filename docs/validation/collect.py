"""Keep what a reproduction run measured, for the page on validation.

``python docs/validation/collect.py build/reproduce/results.json`` replaces the rows of the
notebooks that ran in reproduced.ecsv, and writes one table ``<number>.inc`` for each of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from astropy.table import Table, vstack

from astrokit.reproduce.rows import Row

HERE = Path(__file__).resolve().parent
TABLE = "reproduced.ecsv"
COLUMNS = ("notebook", "quantity", "measured", "kind", "other", "sigma", "verdict", "reference")
KINDS = {"published": "published", "check": "other code", "truth": "truth"}


def rows_of(results: Path) -> list[tuple[str, ...]]:
    """Return the rows of one results.json as text, shown as the report shows them."""
    found = []
    content = json.loads(results.read_text(encoding="utf-8"))
    if content["fast"]:
        raise SystemExit(f"{results} is of a fast run; its chains are too short to be kept")
    for notebook in content["notebooks"]:
        for record in notebook["rows"]:
            if record["verdict"] == "skipped":
                continue
            values = {k: v for k, v in record.items() if k not in ("verdict", "sigma")}
            row = Row.from_dict(values)
            t = row.texts()
            found.append(
                (
                    notebook["name"],
                    row.quantity,
                    t["measured"],
                    KINDS[row.kind],
                    t["published"],
                    t["sigma"],
                    row.verdict,
                    row.reference,
                )
            )
    return found


def collect(results: Iterable[Path], folder: Path = HERE) -> Table:
    """Put the rows of these results into the folder's table; write one text table per notebook."""
    rows = [row for path in results for row in rows_of(path)]
    table = Table(rows=rows, names=COLUMNS, dtype=[str] * len(COLUMNS))
    stored = folder / TABLE
    if stored.is_file():
        old = read(folder)
        fresh = set(table["notebook"])
        table = vstack([old[[name not in fresh for name in old["notebook"]]], table])
    table.sort("notebook", kind="stable")
    table.write(stored, format="ascii.ecsv", overwrite=True)
    (folder / "summary.inc").write_text(summary(table), encoding="utf-8")
    for name in dict.fromkeys(table["notebook"]):
        text = markdown(table[table["notebook"] == name])
        (folder / f"{name[:2]}.inc").write_text(text, encoding="utf-8")
    return table


def read(folder: Path = HERE) -> Table:
    """Return the stored rows."""
    return Table.read(folder / TABLE, format="ascii.ecsv", fill_values=None)


def summary(table: Table) -> str:
    """Return in one sentence how many values agree."""
    words = ("agrees", "differs", "context")
    agree, differ, context = (list(table["verdict"]).count(word) for word in words)
    notebooks = len(set(table["notebook"]))
    return (
        f"Of {len(table)} values in {notebooks} notebooks {agree} agree and {differ} differ; "
        f"{context} are context.\n"
    )


def markdown(table: Table) -> str:
    """Return the rows of one notebook as a Markdown table."""
    lines = [
        "| quantity | astrokit | held against | | difference (sigma) | |",
        "|---|---|---|---|--:|---|",
    ]
    for row in table:
        source = row["kind"] if not row["reference"] else row["reference"]
        words = (row[n] for n in ("quantity", "measured", "other"))
        cells = [*words, source, row["sigma"], row["verdict"]]
        lines.append("| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines).replace("+/-", "±") + "\n"


if __name__ == "__main__":
    done = collect([Path(name) for name in sys.argv[1:]])
    print(f"{len(done)} rows of {len(set(done['notebook']))} notebooks")
