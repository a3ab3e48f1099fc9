"""A Sphinx extension: papers and public names become links wherever they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from docutils import nodes
from outside import lead_inside
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from public import helpers, home, public

PAPER = re.compile(r"arXiv:(?P<arxiv>\d{4}\.\d{4,5})|doi:(?P<doi>10\.\d{4,9}/[\w./-]*\w)")
# `mj.sweep`, `memjax.plots.curve(ds)` and the like, in pages and docstrings.
NAME = re.compile(r"(?:mj|memjax)(?P<name>(?:\.\w+)+)(?:\(.*\))?", re.DOTALL)
NO_TEXT = (nodes.reference, nodes.literal, nodes.literal_block, nodes.raw, nodes.comment, nodes.title)
# Packages of others: their names are set in the same type, without a link, since the build reads nothing from a network.
FOREIGN = {"builtins", "collections", "concurrent", "flax", "jax", "matplotlib", "np", "numpy", "optax", "os", "pandas"}
FOREIGN |= {"pathlib", "scipy", "tqdm", "typing", "xarray", "xr"}


def address(found: re.Match[str]) -> str:
    """Where a paper can be read."""
    return f"https://arxiv.org/abs/{found['arxiv']}" if found["arxiv"] else f"https://doi.org/{found['doi']}"


class PaperLinks(SphinxPostTransform):
    """Turn ``arXiv:1234.56789`` and ``doi:10.1000/x`` in a text into links."""

    default_priority = 700

    def run(self, **_: Any) -> None:
        """Replace the texts of one page."""
        for text in list(self.document.findall(nodes.Text)):
            if PAPER.search(text) and not _within(text, NO_TEXT):
                text.parent.replace(text, with_links(str(text)))


def _within(node: nodes.Node, kinds: tuple[type, ...]) -> bool:
    parent = node.parent
    while parent is not None and not isinstance(parent, kinds):
        parent = parent.parent
    return parent is not None


def with_links(text: str) -> list[nodes.Node]:
    """A text in parts, with a link for every paper that it names."""
    parts: list[nodes.Node] = []
    end = 0
    for found in PAPER.finditer(text):
        parts += [nodes.Text(text[end : found.start()]), nodes.reference("", found[0], refuri=address(found))]
        end = found.end()
    return [*parts, nodes.Text(text[end:])]


class NameLinks(SphinxPostTransform):
    """Turn a public name in literal type into a link to its page."""

    default_priority = 701

    def run(self, **_: Any) -> None:
        """Replace the literals of one page."""
        for literal in list(self.document.findall(nodes.literal)):
            found = NAME.fullmatch(literal.astext())
            if found and not _within(literal, (nodes.reference, nodes.title)):
                link = _link(self.app, self.env.docname, "memjax" + found["name"], literal)
                if link is not None:
                    literal.parent.replace(literal, link)


def _link(app: Sphinx, page: str, path: str, content: nodes.Node) -> nodes.reference | None:
    """A link to the entry of a name, or None if there is no such name."""
    entry = app.env.domains["py"].objects.get(path)
    if entry is None or entry.docname == page:
        return None
    address = f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"
    return nodes.reference("", "", content.deepcopy(), refuri=address, internal=True)


def resolve(app: Sphinx, _: Any, node: Any, content: nodes.Node) -> nodes.Node | None:
    """What a name in single backticks or in a signature means, where Sphinx does not know by itself.

    A name that leads nowhere stays unresolved, and the strict build stops. Types in signatures that are not public, and the
    names of other packages, are left without a link.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    objects = app.env.domains["py"].objects
    wanted = _public_paths().get(target) or _only(objects, (path for path in objects if path.endswith(f".{target}")))
    page = node.get("refdoc", app.env.docname)
    if wanted in objects and objects[wanted].docname != page:
        return _link(app, page, wanted, content)
    foreign = target.partition(".")[0] in FOREIGN
    return content if wanted or foreign or node["reftype"] == "class" else None


def _only(objects: Any, paths: Iterable[str]) -> str | None:
    """The one entry that several paths lead to, as public names and the paths of definitions do."""
    entries = {(objects[path].docname, objects[path].node_id): path for path in {_homes().get(p, p) for p in paths}}
    return next(iter(entries.values())) if len(entries) == 1 else None


@cache
def _homes() -> dict[str, str]:
    return {name.path: home(name).path for name in public()}


@cache
def _public_paths() -> dict[str, str]:
    """The public name of every object, by the path of its definition, as signatures give it."""
    return {f"{name.source}.{name.name}": home(name).path for name in (*public(), *helpers())}


def readable(
    app: Sphinx, _: str, path: str, value: Any, options: Any, signature: str | None, returned: str | None
) -> Any:
    """A signature that Sphinx can take apart: a default that no text can give has three dots or the name of the function."""
    del app, path, options
    if getattr(value, "_is_protocol", False):
        # Nobody makes a protocol: its signature is that of any function.
        return "", None
    plain = signature and re.sub(r"<function (\w+)[^>]*>", r"\1", signature.replace("<factory>", "..."))
    return plain, returned


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the links to a build."""
    app.add_post_transform(PaperLinks)
    app.add_post_transform(NameLinks)
    app.connect("missing-reference", resolve)
    app.connect("source-read", lead_inside)
    app.connect("autodoc-process-signature", readable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
