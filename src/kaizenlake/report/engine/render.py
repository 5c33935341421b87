"""Render any report: one HTML page that asks for nothing, and one tagged PDF; the same report makes the same bytes."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import msgspec
import typst
from markupsafe import Markup

from kaizenlake.errors import PublishError
from kaizenlake.lake.files import write_atomic
from kaizenlake.lake.mapping.money import Exchange
from kaizenlake.publish import formats as say
from kaizenlake.publish import guard
from kaizenlake.report.engine.blocks import Picture, ReportDocument
from kaizenlake.report.engine.currency import show_in_currency
from kaizenlake.report.engine.svg import COLOURS

TITLE = 300
"""Most characters of a title."""

UNPRINTABLE = "□"
"""Stands in the PDF for a character that none of its fonts has; the HTML shows it."""


DOLLARS = Exchange()


class ReportPlace(NamedTuple):
    """Where reports lie.

    Args:
        out: Folder of the reports.
        tenant: Folders below that of a day, in which one of several tenants has its own.
        named: The tenant in words; empty where there are not several.
        exchange: Currency in which amounts are shown, and what it is worth.
    """

    out: Path
    tenant: tuple[str, ...] = ()
    named: str = ""
    exchange: Exchange = DOLLARS

    def title(self, laid_out: ReportDocument) -> ReportDocument:
        """Return a report whose title says which tenant it is of, where there are several."""
        if not self.named:
            return laid_out
        title = say.clean(f"{laid_out.title}: {self.named}", TITLE)
        return replace(laid_out, title=title)


def write_document(laid_out: ReportDocument, folder: Path, name: str) -> tuple[Path, Path]:
    """Write a report as `<name>.html` and `<name>.pdf`, each whole or not at all.

    Args:
        laid_out: The report.
        folder: Where; it is made where missing.
        name: Name of the files, our own or one of `report_format.file_name`.

    Raises:
        LakeError: A file cannot be written.
        PublishError: The PDF could not be made.
    """
    page, paper = folder / f"{name}.html", folder / f"{name}.pdf"
    html, pdf = render_html(laid_out), render_pdf(laid_out)
    write_atomic(page, html.encode("utf-8"))
    write_atomic(paper, pdf)
    return page, paper


def fit(laid_out: ReportDocument, out: Path | ReportPlace) -> ReportDocument:
    """Return a report as it is in its place: with its title, and amounts in the currency of the lake."""
    return out.title(show_in_currency(laid_out, out.exchange)) if isinstance(out, ReportPlace) else laid_out


def folder_of(out: Path | ReportPlace, as_of: datetime) -> Path:
    """Return the folder of the reports of an instant: its UTC date, and in it that of the tenant where there are several."""
    place = out if isinstance(out, ReportPlace) else ReportPlace(out)
    return place.out.joinpath(as_of.astimezone(UTC).date().isoformat(), *place.tenant)


def render_html(report: ReportDocument) -> str:
    """Render a report as one HTML page: readable without JavaScript, asking nothing of any network.

    Args:
        report: The report, laid out.
    """
    laid_out = guard.redact_report(report)
    style = read_resource("html", "kaizen.css")
    digest = b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return find_template("kaizen.html.j2").render(report=laid_out, style=Markup(style), policy=policy, drawn=Markup)  # noqa: S704 - ours


def render_pdf(report: ReportDocument) -> bytes:
    """Render a report as a tagged PDF (PDF/UA-1) on A4.

    Args:
        report: The report, laid out.

    Raises:
        PublishError: The typesetter refused the report.
    """
    laid_out = guard.redact_report(report)
    at = datetime.fromisoformat(laid_out.as_of_iso).astimezone(UTC)
    told = _for_paper(laid_out) | {"date": [at.year, at.month, at.day], "colours": COLOURS}
    for _ in range(_ATTEMPTS):
        try:
            return _typeset(told, at)
        except typst.TypstError as error:
            lacking = _gather_lacking(error)
            if not lacking:
                raise PublishError(f"The PDF could not be set: {error.message}.", hint="Please report this.") from error
            told = _map_texts(told, lambda text: "".join(UNPRINTABLE if char in lacking else char for char in text))  # noqa: B023
    return _typeset(_map_texts(told, _latin), at)


def _for_paper(laid_out: ReportDocument) -> dict[str, Any]:
    """Return the report as plain data, without what only the page needs."""
    told: dict[str, Any] = msgspec.to_builtins(laid_out)
    if laid_out.logo is not None:
        told["logo"]["data"] = list(b64decode(laid_out.logo.data))
    for section in told["sections"]:
        for block in section["blocks"]:
            if block["type"] == Picture.type:
                del block["chart"]["wide"], block["chart"]["narrow"]
            for row in block.get("rows", ()):
                for cell in row:
                    del cell["names"], cell["value"]
    return told


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return the same data with every text changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _map_texts(item, change) for key, item in value.items()}
    return [_map_texts(item, change) for item in value] if isinstance(value, (list, tuple)) else value


def _latin(text: str) -> str:
    return "".join(
        char if "\x20" <= char < _LATIN_END or char in _OURS or char == "\n" else UNPRINTABLE for char in text
    )


_ATTEMPTS = 5
"""Times the typesetter is asked which characters it lacks, before all but Latin ones are replaced."""

_LATIN_END = "\u0250"
_OURS = frozenset("–−…“”’×·□")
_UNSHOWN = re.compile(r'the text `"(.*?)"` could not be displayed', re.DOTALL)
_ESCAPED = re.compile(r"\\u\{([0-9a-fA-F]+)\}")


def _gather_lacking(error: typst.TypstError) -> frozenset[str]:
    """Return characters that the typesetter has no glyph for, out of its complaint."""
    shown = _UNSHOWN.findall(str(error.diagnostic))
    return frozenset("".join(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) for text in shown)) - {" ", "\\"}


def _typeset(told: dict[str, Any], at: datetime) -> bytes:
    compiler = typst.Compiler(
        input=read_resource("pdf", "kaizen.typ").encode("utf-8"),
        font_paths=_fonts(),
        sys_inputs={"report": json.dumps(told, ensure_ascii=False)},
    )
    made: Any = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=int(at.timestamp()))
    return bytes(made)


@cache
def _fonts() -> Any:
    """Return the fonts inside the typesetter alone: those of the machine would change the bytes."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)


@cache
def read_resource(folder: str, name: str) -> str:
    """Return the text of a file of ours: a style, a script or a template."""
    return (resources.files("kaizenlake.report.engine") / folder / name).read_text(encoding="utf-8")


def find_template(name: str) -> jinja2.Template:
    """Return the template of a kind of page."""
    return _environment().get_template(name)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        loader=jinja2.FunctionLoader(lambda name: read_resource("html", name)),
    )
