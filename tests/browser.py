"""A real browser without a screen, for tests of pages; they skip where there is none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SECONDS = 60


@dataclass(frozen=True)
class Visit:
    """What a browser made of a page."""

    screenshot: bytes
    console: list[str]  # what the page or its loading said: nothing, if all is well
    found: Any  # what the script returned


def visit(
    page: Path,
    folder: Path,
    *,
    width: int = 1200,
    script: str = "return null",
    screenshot: bool = False,
) -> Visit:
    """Open a page, run `script` in it (the body of a function that returns JSON types)."""
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        pytest.skip("no chromium on this computer")
    visited = page.with_name(f"{page.stem}-visited.html")
    visited.write_text(
        page.read_text(encoding="utf-8") + _ANSWER.replace("SCRIPT", script), encoding="utf-8"
    )
    image = folder / f"{page.stem}-{width}.png"
    common = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width},1400",
    ]
    try:
        address = visited.as_uri()
        if screenshot:  # another start of the browser, which takes seconds
            _run([*common, f"--screenshot={image}", address])
        answered = _run([*common, "--dump-dom", address])
    finally:
        visited.unlink()
    console = [line for line in answered.stderr.splitlines() if "CONSOLE" in line]
    answer = re.search(r'<pre id="answer"[^>]*>(.*?)</pre>', answered.stdout, re.S)
    found = json.loads(unescape(answer[1])) if answer else None
    return Visit(image.read_bytes() if image.is_file() else b"", console, found)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)


_ANSWER = """
<script>
const answer = document.createElement("pre");
answer.id = "answer";
answer.hidden = true;
answer.textContent = JSON.stringify((() => { SCRIPT })() ?? null);
document.body.append(answer);
</script>
"""


class Links(HTMLParser):
    """Collects where a page leads, what can be led to, and what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.anchors.add(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.targets.append(str(values["href"]))
        self.loaded += [str(values[k]) for k in ("src", "srcset", "data") if values.get(k)]
        if tag == "link":
            self.loaded.append(str(values.get("href")))


def broken_links(page: Path) -> list[str]:
    """Return links of a page that lead nowhere: no such anchor, no such file beside it."""
    links = Links(page.read_text(encoding="utf-8"))
    return [target for target in links.targets if not _leads_somewhere(target, links, page)]


def _leads_somewhere(target: str, links: Links, page: Path) -> bool:
    if target.startswith("#"):
        return target[1:] in links.anchors
    return (page.parent / target).is_file()


def loads_from_elsewhere(page: Path) -> list[str]:
    """Return what a page would load that it does not hold itself."""
    links = Links(page.read_text(encoding="utf-8"))
    return [address for address in links.loaded if not address.startswith("data:")]
