"""Check the built site: every link within the site leads to a file and an anchor, and no page loads anything from a network.

``python docs/site/check.py docs/_build/html`` prints what is wrong, and fails if anything is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself when it shows a page.
FETCHED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
STYLES = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
# Every browser knows these two.
NO_ANCHORS = {"", "top"}
FROM_NETWORK = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//")


class Page(HTMLParser):
    """Anchors, links and fetched files of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names, links or fetches."""
        given = {key: value for key, value in attrs if value is not None}
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in FETCHED and FETCHED[tag] in given:
            self.fetched.append(given[FETCHED[tag]])
        if tag == "link" and STYLES & set(given.get("rel", "").split()):
            self.fetched.append(given.get("href", ""))


def faults(site: Path) -> Iterator[str]:
    """What is wrong, a sentence each."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for address in page.fetched:
            if urlsplit(address).scheme not in ("", "data") or address.startswith("//"):
                yield f"{name} loads {address} from a network."
        for address in dict.fromkeys(page.links + page.fetched):
            if not _leads_somewhere(address, path, pages):
                yield f"{name} links {address}, which leads nowhere."
    for path in site.rglob("*.css"):
        if FROM_NETWORK.search(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)} loads something from a network."


def _leads_somewhere(address: str, path: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target not in pages:
        return target.is_file()
    return parts.fragment in NO_ANCHORS or unquote(parts.fragment) in pages[target].anchors


def main() -> int:
    """Print what is wrong with the site in the folder that is named, and count it."""
    found = list(faults(Path(sys.argv[1])))
    print(*found, sep="\n", end="\n" if found else "")
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main())
