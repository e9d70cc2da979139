"""Check every link and picture inside a built site, without a network.

``python docs/check_links.py build/docs`` lists links to files or anchors that are not there, and
fails if there are any. Addresses of other sites are counted, not visited.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Page(HTMLParser):
    """Links that a page has, and anchors that it offers."""

    path: Path
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=lambda: {"", "top"})

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif name == "src" or (name == "href" and tag in ("a", "link")):
                self.links.append(value)


def broken(site: Path) -> tuple[list[str], int, int]:
    """Return the broken links as "page: link", and the numbers of links inside and outside."""
    site = site.resolve()
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    wrong, inside, outside = [], 0, 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                outside += parts.scheme in ("http", "https")
                continue
            inside += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            known = pages.get(target)
            lost = known is not None and unquote(parts.fragment) not in known.anchors
            if lost or not target.is_file() or not target.is_relative_to(site):
                wrong.append(f"{path.relative_to(site)}: {link}")
    return wrong, inside, outside


def main(folder: str) -> int:
    """Print what is broken; return the exit code."""
    site = Path(folder)
    if not (site / "index.html").is_file():
        print(f"{site} holds no built site; make docs builds one")
        return 2
    wrong, inside, outside = broken(site)
    print("\n".join([*wrong, f"{inside} links inside, {len(wrong)} broken; {outside} outside"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
