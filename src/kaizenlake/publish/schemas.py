"""What published JSON has in common: the head of its JSON Schema, the first rule a document breaks, the signature."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec
from msgspec import Meta


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signed it."""

    algorithm: Literal["Ed25519"]
    key_id: str
    value: Annotated[str, Meta(description="Base64 of the signature over the canonical JSON of `signed`.")]


def json_schema(model: type[msgspec.Struct], name: str, version: int, title: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a document, derived from its model.

    Args:
        name: Name of the schema.
        version: Version of it.
        title: What the document is, in words.
    """
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:kaizenlake:schema:{name}:{version}"}
    return head | {"title": title} | msgspec.json.schema(model)


def describe_first_broken(validator: jsonschema_rs.Draft202012Validator, parsed: Any) -> str | None:
    """Return the first rule of a schema that a parsed document breaks, in words; None where it keeps all."""
    try:
        broken = next(validator.iter_errors(parsed), None)
    except ValueError as error:  # a document that is nested more deeply than the validator goes
        return f"it cannot be checked ({error})"[:300]
    return None if broken is None else f"{'/'.join(map(str, broken.instance_path))}: {broken.message[:300]}"
