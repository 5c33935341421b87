"""Contexts as text: the JSON documents through their template, and the templates of a team's own.

Templates of a team lie in `<lake>/templates/NAME.j2` and see two names, `context` and `evidence`. They run in a sandbox, and a name that
does not exist is an error. What an expression `{{ … }}` writes depends on the template's name:

* `.html`, `.xml`: escaped for markup.
* `.json`, `.yaml`, `.yml`: as JSON, which YAML reads too; so no text can leave its place in the structure.
* any other: as it is. Texts of a context are one line each, so none can begin a line of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
import jsonschema_rs
import msgspec
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from kaizenlake.errors import PublishError
from kaizenlake.publish import guard
from kaizenlake.publish.context import evidence_document as evidence
from kaizenlake.publish.context import model as context
from kaizenlake.publish.context.evidence_document import KaizenEvidence
from kaizenlake.publish.context.model import LIMIT, KaizenContext
from kaizenlake.publish.schemas import describe_first_broken

TEXT_BYTES = 1_048_576
"""Longest text that a team's template may make of one context."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.j2")
_MARKUP = (".html.j2", ".htm.j2", ".xml.j2", ".svg.j2")
_STRUCTURED = (".json.j2", ".yaml.j2", ".yml.j2")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kaizenlake.publish"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - every value goes through `tojson`
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "sort_keys": False,
        "allow_nan": False,
        "ensure_ascii": False,
        "separators": (",", ":"),
    }
    return environment


_TEMPLATE = _environment().get_template("context.json.j2")

Document: TypeAlias = KaizenContext | KaizenEvidence

_VALIDATORS = {
    KaizenContext: jsonschema_rs.Draft202012Validator(context.json_schema()),
    KaizenEvidence: jsonschema_rs.Draft202012Validator(evidence.json_schema()),
}
_DECODERS = {kind: msgspec.json.Decoder(kind) for kind in _VALIDATORS}


def compute_sha256(context: Mapping[str, Any]) -> str | None:
    """Return SHA-256 of a context as it is published: of one that was loaded and not changed, that of its document.

    Args:
        context: A context as plain data; what no document can hold has none.
    """
    try:
        return hashlib.sha256(_TEMPLATE.render(context=context).encode("utf-8")).hexdigest()
    except (TypeError, ValueError, RecursionError):
        return None


def render(document: Document) -> bytes:
    """Render a document without what identifies a person, then parse and check it before it counts.

    Raises:
        PublishError: It breaks the published schema, is too long, or does not say what it was made of.
    """
    kind, where = type(document), document.scope.words
    plain = guard.tree(msgspec.to_builtins(document))
    try:
        content = _TEMPLATE.render(context=plain).encode("utf-8")
    except ValueError as error:
        raise PublishError(f"A figure of a context is not finite: {error}.", where=where) from error
    problem = find_broken_rule(content, kind)
    if problem is None and _DECODERS[kind].decode(content) != msgspec.convert(plain, kind):
        problem = "read again, it differs from the context it was made of"
    if problem is not None:
        raise PublishError(f"The document of a context is not published: {problem}.", where=where)
    return content


def find_broken_rule(content: bytes, kind: type[Document] = KaizenContext) -> str | None:
    """Return the first rule of the published schema that a document breaks, in words; None where it keeps all."""
    if kind is KaizenContext and len(content) > LIMIT:
        return f"it has {len(content):,} bytes, and {LIMIT:,} are allowed"
    try:
        parsed = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON ({error})"
    return describe_first_broken(_VALIDATORS[kind], parsed)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


class Templates:
    """The templates of a team.

    Args:
        folder: Where they lie; it need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = sorted(path for path in folder.glob("*.j2") if path.is_file()) if folder.is_dir() else []
        self.names = tuple(path.name for path in found if _NAME.fullmatch(path.name))
        self.failures: dict[str, str] = {
            path.name: "its name has other characters than letters, digits, dot, dash and underscore"
            for path in found
            if path.name not in self.names
        }
        loader = jinja2.FileSystemLoader(folder)
        self._plain = _sandbox(loader)
        self._structured = _sandbox(loader, as_json=True)

    def sources(self) -> dict[str, str]:
        """Return the text of each template, by its name; an unreadable one has none."""
        return {name: (self.folder / name).read_text("utf-8", errors="replace") for name in self.names}

    def render(self, context: Mapping[str, Any], evidence: Mapping[str, Any], scope: str) -> dict[str, bytes]:
        """Return the text of each template by the name it is asked for, which is the file's without `.j2`.

        What fails is kept in `failures` and has no text.

        Args:
            context: The context as plain objects.
            evidence: Its evidence as plain objects.
            scope: The scope in words, for the failures.
        """
        texts: dict[str, bytes] = {}
        for name in self.names:
            environment = self._structured if name.endswith(_STRUCTURED) else self._plain
            try:
                text = environment.get_template(name).render(context=context, evidence=evidence).encode("utf-8")
                if len(text) > TEXT_BYTES:
                    raise ValueError(f"its text has {len(text)} bytes, more than {TEXT_BYTES}")  # noqa: TRY301 - kept below
            except Exception as error:  # noqa: BLE001 - a template is foreign code: whatever it raises is its own failure
                self.failures.setdefault(name, f"{type(error).__name__}: {error} (first in {scope})")
            else:
                texts[name.removesuffix(".j2")] = text
        return texts


def _sandbox(loader: jinja2.BaseLoader, *, as_json: bool = False) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(_MARKUP),
        finalize=_as_json if as_json else None,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "allow_nan": False}
    return environment


def _as_json(value: Any) -> Any:
    """Return a value as JSON, unless a filter has made it so or it does not exist."""
    if isinstance(value, Markup | jinja2.Undefined):
        return value
    return json.dumps(value, allow_nan=False)
