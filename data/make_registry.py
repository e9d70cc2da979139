"""Renew the checksums of bundled.csv and the registry of real files (see README.md here)."""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
REGISTRY = HERE.parent / "astrokit" / "_registry.csv"
COLUMNS = ["name", "alias", "bytes", "sha256", "url", "description", "reference", "licence"]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_rows(path: Path, rows: list[dict[str, str]], columns: list[str]) -> None:
    """Write rows with Unix line endings, the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def pinned_url(row: dict[str, str]) -> str:
    """Return the address of one file at one commit; empty where the file has no public home."""
    repository = row["github_repository"]
    if not repository:
        return ""
    path = quote(row["path_in_repository"])
    return f"https://raw.githubusercontent.com/{repository}/{row['commit']}/{path}"


def registry_rows(folder: Path) -> list[dict[str, str]]:
    """Join the manifest of `folder` with the descriptions; every file must be described."""
    descriptions = read_rows(HERE / "descriptions.csv")
    rows = []
    for row in read_rows(folder / "MANIFEST.csv"):
        matches = [d for d in descriptions if fnmatchcase(row["path"], d["pattern"])]
        if not matches:
            raise SystemExit(f"{row['path']} is not described: add a line to descriptions.csv")
        known = {key: matches[0][key] for key in ("alias", "description", "reference", "licence")}
        facts = {"name": row["path"], "bytes": row["bytes"], "sha256": row["sha256"]}
        rows.append({**facts, "url": pinned_url(row), **known})
    return sorted(rows, key=lambda row: row["name"])


def renew_bundled() -> int:
    """Write the checksum of each bundled file; return how many there are."""
    path = HERE / "bundled.csv"
    rows = read_rows(path)
    for row in rows:
        row["sha256"] = hashlib.sha256((HERE / row["file"]).read_bytes()).hexdigest()
    columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    write_rows(path, rows, columns)
    return len(rows)


def main() -> None:
    """Renew what can be renewed and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=os.environ.get("ASTROKIT_DATA_DIR"),
        help="folder with MANIFEST.csv; default: ASTROKIT_DATA_DIR",
    )
    folder = parser.parse_args().folder
    print(f"bundled.csv: {renew_bundled()} files")
    if folder:
        rows = registry_rows(Path(folder))
        write_rows(REGISTRY, rows, COLUMNS)
        print(f"{REGISTRY.name}: {len(rows)} files, {sum(bool(r['url']) for r in rows)} with a URL")


if __name__ == "__main__":
    main()
