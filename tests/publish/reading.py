"""Reads reports as their readers do: the tables, tags and words of a page, the words and structure of a PDF."""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser

import pypdf


class Page(HTMLParser):
    """Tables of a page by id: rows of (text, names, value); every tag it met, and its words."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.tags, self.words = {}, [], ""
        self._cell = self._rows = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        if tag == "table":
            self._rows = self.tables.setdefault(given["id"], [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in {"td", "th"} and self._rows:
            self._cell = ["", given.get("data-column", ""), given.get("data-value", "")]
            self._rows[-1].append(self._cell)

    def handle_endtag(self, tag):
        if tag in {"td", "th"}:
            self._cell = None

    def handle_data(self, data):
        self.words += data
        if self._cell is not None:
            self._cell[0] += data


def records(page, identifier):
    """Rows of a table as the figures behind their cells."""
    for row in page.tables[identifier][1:]:
        found = {}
        for _, names, value in row:
            if names:
                values = json.loads(value)
                found |= zip(names.split(), values if " " in names else [values], strict=True)
        yield found


def text_of(document_bytes):
    """Words of a PDF."""
    pages = pypdf.PdfReader(io.BytesIO(document_bytes)).pages
    return "\n".join(page.extract_text() for page in pages).replace("\u200b", "")


def tags_of(pdf):
    """Kinds of structure elements of a PDF, with those that carry alternative words."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    kinds, told, waiting = [], [], [reader.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop().get_object()
        if isinstance(element, list):
            waiting += element
        elif isinstance(element, dict):
            if "/S" in element:
                kinds.append(str(element["/S"]))
            if "/Alt" in element:
                told.append(str(element["/Alt"]))
            if "/K" in element:
                waiting.append(element["/K"])
    return kinds, told
