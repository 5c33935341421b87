"""The alerts that stand, published: one signed file, `published/alerts.json`, which changes when they or their night do."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any, Literal

import jsonschema_rs
import msgspec

from kaizenlake import signing, tables
from kaizenlake.errors import PublishError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.publish import report_format as say
from kaizenlake.publish.context import Instant
from kaizenlake.publish.documents import FOLDER, PUBLIC_KEY, alone, verifying_key, write_once
from kaizenlake.publish.report_rows import Scan
from kaizenlake.tables import Alerts

SCHEMA: Literal["kaizen-alerts"] = "kaizen-alerts"
VERSION: Literal[1] = 1
FILE = "alerts.json"
SCHEMA_FILE = f"schema/{SCHEMA}-{VERSION}.schema.json"

WORDS = 600
"""Most characters of a text that leaves."""


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that somebody should know.

    Attributes:
        alert_id: The alert; the same while it holds.
        kind: What it is about, such as degrading_doer.
        severity: info: somebody may act; warning: look at it; critical: harm is done.
        doer: Agent it is about.
        policy_id: Policy it is about; null for a doer as a whole.
        policy_version: Version of that policy; null where the policy is.
        deployment_id: Shadow or canary it comes from; null where it comes from none.
        raised_on: UTC date on which it began to hold, or happened.
        words: What is the matter, in a sentence with its numbers; text from outside may be in it.
    """

    alert_id: str
    kind: str
    severity: Literal["info", "warning", "critical"]
    doer: str
    policy_id: str | None
    policy_version: str | None
    deployment_id: str | None
    raised_on: date
    words: str


class Told(msgspec.Struct, frozen=True, rename={"schema_": "schema"}, forbid_unknown_fields=True):
    """What is signed.

    Attributes:
        schema_: Name of this document.
        version: Version of it.
        as_of: Events before this instant count.
        alerts: Alerts that stand, the latest first.
    """

    schema_: Literal["kaizen-alerts"]
    version: Literal[1]
    as_of: Instant
    alerts: tuple[Alert, ...]


class AlertsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of alerts.

    Attributes:
        signed: What is signed.
        signature: Ed25519 signature of its canonical JSON: algorithm, key_id and value.
    """

    signed: Told
    signature: dict[str, str]


def json_schema() -> dict[str, Any]:
    """JSON Schema of the file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:kaizenlake:alerts:{VERSION}"} | (
        msgspec.json.schema(AlertsFile)
    )


_VALIDATOR = jsonschema_rs.Draft202012Validator(json_schema())


def standing(scan: Scan) -> tuple[Alert, ...]:
    """Alerts that stand, the latest first; what comes from outside is one line each, without control characters.

    Args:
        scan: Gives a table.
    """
    names = tables.schema(Alerts).names()
    rows = scan(Alerts).sort("raised_on", "alert_id", descending=[True, False]).select(names).collect()
    texts = ("doer", "policy_id", "policy_version", "deployment_id", "words")
    return tuple(
        Alert(**row | {name: None if row[name] is None else say.clean(row[name], WORDS) for name in texts})
        for row in rows.iter_rows(named=True)
    )


def publish_alerts(lake: Lake, alerts: tuple[Alert, ...], *, as_of: datetime) -> bool:
    """Publish the alerts; nothing where the file says just this, or where there are none and never were.

    Args:
        lake: The lake.
        alerts: What `standing` read.
        as_of: Events before this instant count in them.

    Returns:
        Whether the file was written.

    Raises:
        LockedError: Another process publishes.
        PublishError: The file breaks its schema, or the signing key is of no use.
        LakeError: The file cannot be written.
    """
    folder = lake.path(FOLDER)
    path = folder / FILE
    if not alerts and not path.exists():
        return False
    with alone(folder):
        key = signing.signing_key(lake.path("keys"))
        signed = msgspec.to_builtins(Told(SCHEMA, VERSION, as_of.astimezone(UTC), alerts))
        whole = {"signed": signed, "signature": signing.sign(signed, key)}
        if (broken := next(_VALIDATOR.iter_errors(whole), None)) is not None:
            raise PublishError(f"The alerts are not published: {broken.message[:300]}.", where=str(path))
        content = json.dumps(whole, indent=2, ensure_ascii=False).encode()
        if path.exists() and path.read_bytes() == content:
            return False
        files.write_atomic(path, content)
        write_once(folder / SCHEMA_FILE, json.dumps(json_schema(), indent=2).encode())
        write_once(folder / PUBLIC_KEY, signing.public_pem(key.public_key()))
    return True


def verify_alerts(lake: Lake, public_key: bytes | None = None) -> int:
    """Check the published alerts: schema and signature.

    Args:
        lake: The lake.
        public_key: Key in PEM that must have signed them; by default as for `documents.verify`.

    Returns:
        How many there are.

    Raises:
        VerificationError: The file is not what this lake published.
        LakeError: It cannot be read.
    """
    folder = lake.path(FOLDER)
    key, _ = verifying_key(lake, folder, public_key)
    whole = files.read_json(folder / FILE)
    if (broken := next(_VALIDATOR.iter_errors(whole), None)) is not None:
        raise VerificationError(
            f"The published alerts break their schema: {broken.message[:300]}.",
            where=str(folder / FILE),
            hint="Remove the file, publish again with `kaizen nightly`, and find out who wrote there.",
        )
    signing.check_signature(whole["signed"], whole["signature"], key)
    return len(whole["signed"]["alerts"])
