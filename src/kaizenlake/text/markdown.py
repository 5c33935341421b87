"""The parts of a Markdown document as its readers see them: paragraphs, bullets, headings and tables, read by markdown-it-py."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Kind: TypeAlias = Literal["paragraph", "bullet", "heading", "cell"]

CJK = (
    r"\u1100-\u11ff\u3005\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003fffd"
)
"""Characters of Chinese, Japanese and Korean, each of which is a word."""

_WORD = re.compile(rf"[{CJK}]|(?:(?![{CJK}])\S)+")
_SHOWS_A_WORD = re.compile(r"[^\W_]")
_LINK_TARGET = re.compile(r"(?<![a-z0-9+.-])(?:[a-z][a-z0-9+.-]{0,20}://|www\.)\S+", re.IGNORECASE)

DEEPEST = 100
"""Levels of lists and quotations that are read."""


@dataclass(frozen=True)
class Block:
    """A run of text on its own: a paragraph, the text of a bullet, a heading or a cell of a table.

    Args:
        kind: What it is; a paragraph of a bullet is a bullet, one of a numbered item a paragraph.
        text: What a reader sees of it, without markup, code, HTML, images and link targets; lines end as in the document.
        line: Line on which it begins, from 1.
        name: Of a heading, its words with those in code, by which headings are compared; else empty.
    """

    kind: Kind
    text: str
    line: int
    name: str = ""

    def line_at(self, place: int) -> int:
        """Return the line on which a place of its text lies."""
        return self.line + self.text[:place].replace("\n\n", "\n").count("\n")


@dataclass(frozen=True)
class MarkdownTable:
    """A table of GitHub's kind.

    Args:
        line: Line of its header, from 1.
        rows: Its rows, the header left out.
    """

    line: int
    rows: int


@dataclass(frozen=True)
class Document:
    """A Markdown document.

    Args:
        blocks: Its text, in order.
        bullets: Lines of its bullets, nested ones too, that say anything.
        tables: Its tables, in order.
        has_code: Whether it holds blocks of code, of which nothing else is told.
    """

    blocks: tuple[Block, ...]
    bullets: tuple[int, ...]
    tables: tuple[MarkdownTable, ...]
    has_code: bool

    @property
    def words(self) -> int:
        """How many words it has."""
        return sum(count_words(block.text) for block in self.blocks)


def count_words(text: str) -> int:
    """Count the words of a plain text; addresses of the web are none, each CJK character is one.

    >>> count_words("Post at 9:00, twice a day: https://example.com/a-b"), count_words("東京 Tower — ok")
    (6, 4)
    """
    return sum(_SHOWS_A_WORD.search(word) is not None for word in _WORD.findall(_LINK_TARGET.sub(" ", text)))


def read_markdown(text: str) -> Document:
    """Read a Markdown text: CommonMark with the tables of GitHub.

    Args:
        text: The text; its front matter, if any, is text like any other.
    """
    reading = _Reading()
    for token in _parser().parse(unicodedata.normalize("NFC", text)):
        reading.take(token)
    return Document(
        tuple(reading.blocks), tuple(dict.fromkeys(reading.bullets)), tuple(reading.tables), reading.has_code
    )


@dataclass
class _Item:
    """An item of a list in which the reading stands."""

    is_bullet: bool
    line: int = 0
    is_counted: bool = False


class _Reading:
    """What was read of a document so far."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.bullets: list[int] = []
        self.tables: list[MarkdownTable] = []
        self.has_code = False
        self._items: list[_Item] = []
        self._part = ""
        self._is_new_row = False

    def take(self, token: Token) -> None:
        """Take the next token of the parser."""
        line = (token.map or [0])[0] + 1
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                self._items.append(_Item(is_bullet=token.type == "bullet_list_open"))
            case "bullet_list_close" | "ordered_list_close":
                self._items.pop()
            case "list_item_open":
                self._items[-1] = _Item(self._items[-1].is_bullet, line)
            case "table_open":
                self.tables.append(MarkdownTable(line, 0))
            case "tr_open":
                self._is_new_row = True
            case "fence" | "code_block":
                self.has_code = True
            case "paragraph_open" | "heading_open" | "th_open" | "td_open":
                self._part = token.type
            case "inline" if token.content.strip():
                self._take_text(token, line)

    def _take_text(self, token: Token, line: int) -> None:
        if self._part == "td_open" and self._is_new_row:
            self.tables[-1] = MarkdownTable(self.tables[-1].line, self.tables[-1].rows + 1)
            self._is_new_row = False
        seen = "".join(_read_visible_text(token.children or ()))
        kind = self._kind()
        name = "".join(_read_visible_text(token.children or (), with_code=True)) if kind == "heading" else ""
        if not seen.strip() and not name.strip():
            return
        self.blocks.append(Block(kind, seen, line, name))
        for item in self._items:
            if item.is_bullet and not item.is_counted:
                item.is_counted = True
                self.bullets.append(item.line)

    def _kind(self) -> Kind:
        if self._part == "heading_open":
            return "heading"
        if self._part in {"th_open", "td_open"}:
            return "cell"
        return "bullet" if self._items and self._items[-1].is_bullet else "paragraph"


_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)

_LINE_BREAKS = {"softbreak": "\n", "hardbreak": "\n\n"}
"""A line that is ended on purpose ends a sentence, as an empty line does."""


def _read_visible_text(children: Sequence[Token], *, with_code: bool = False) -> Iterator[str]:
    """Yield what a reader sees of a run of text, but for code, HTML, images and addresses that stand for themselves."""
    is_address = False
    for child in children:
        if child.type in {"link_open", "link_close"} and child.info == "auto":
            is_address = child.type == "link_open"
        elif (child.type == "text" and not is_address) or (child.type == "code_inline" and with_code):
            yield child.content
        elif child.type == "html_inline" and _BREAK.fullmatch(child.content):
            # The one way to end a line within a cell.
            yield _LINE_BREAKS["hardbreak"]
        else:
            yield _LINE_BREAKS.get(child.type, "")


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable(["table", "strikethrough"])
