"""The alerts that stand, published: one signed file, `published/alerts.json`, which changes when they or their night do."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec

from kaizenlake import tables
from kaizenlake.errors import VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys
from kaizenlake.publish import formats as say
from kaizenlake.publish import schemas
from kaizenlake.publish.context.model import Instant
from kaizenlake.publish.signed.signed_files import FileForm
from kaizenlake.publish.signed.signed_folder import (
    FOLDER,
    alone,
    check_tenant,
    verification_error,
    verifying_key,
    write_checks,
    write_once,
)
from kaizenlake.tables import Alerts, Scan
from kaizenlake.vocabulary import Severity

SCHEMA: Literal["kaizen-alerts"] = "kaizen-alerts"
VERSION: Literal[1] = 1
FILE = "alerts.json"

WORDS = 600
"""Most characters of a text that leaves."""


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that somebody should know.

    Attributes:
        tenant_id: Tenant it belongs to; null for events without one.
        alert_id: The alert; the same while it holds.
        kind: What it is about, such as degrading_doer.
        severity: info: somebody may act; warning: look at it; critical: harm is done.
        doer: Agent it is about; null where it is about none, but about records.
        policy_id: Policy it is about; null for a doer as a whole, and where it is about none.
        policy_version: Version of that policy; null where the policy is.
        deployment_id: Shadow or canary it comes from; null where it comes from none.
        raised_on: UTC date on which it began to hold, or happened.
        words: What is the matter, in a sentence with its numbers; text from outside may be in it.
    """

    tenant_id: str | None
    alert_id: str
    kind: str
    severity: Severity
    doer: str | None
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
        tenant_id: Tenant they are for; null for events without one.
    """

    schema_: Literal["kaizen-alerts"]
    version: Literal[1]
    as_of: Instant
    alerts: tuple[Alert, ...]
    tenant_id: str | None = None


class AlertsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of alerts.

    Attributes:
        signed: What is signed.
        signature: Ed25519 signature of its canonical JSON: algorithm, key_id and value.
    """

    signed: Told
    signature: dict[str, str]


def json_schema() -> dict[str, Any]:
    """Return JSON Schema of the file."""
    return schemas.json_schema(AlertsFile, SCHEMA, VERSION, "Alerts")


FORM = FileForm(SCHEMA, VERSION, AlertsFile, json_schema(), "file of alerts", indent=2)


def standing(scan: Scan) -> tuple[Alert, ...]:
    """Return alerts that stand, the latest first; what comes from outside is one line each, without control characters.

    Args:
        scan: Gives a table.
    """
    names = tables.schema(Alerts).names()
    rows = (
        scan(Alerts).sort("raised_on", "tenant_id", "alert_id", descending=[True, False, False]).select(names).collect()
    )
    texts = ("tenant_id", "doer", "policy_id", "policy_version", "deployment_id", "words")
    return tuple(
        Alert(**row | {name: None if row[name] is None else say.clean(row[name], WORDS) for name in texts})
        for row in rows.iter_rows(named=True)
    )


def publish_alerts(lake: Lake, alerts: tuple[Alert, ...], *, as_of: datetime) -> bool:
    """Publish the alerts, also where there are none: no file means that no night looked.

    Args:
        alerts: What `standing` read.
        as_of: Events before this instant count in them.

    Returns:
        Whether the file was written: it is not where it says just this.

    Raises:
        LockedError: Another process publishes.
        PublishError: The file breaks its schema, or the signing key is of no use.
        LakeError: The file cannot be written.
    """
    folder = lake.path(FOLDER)
    path = folder / FILE
    with alone(folder):
        key = keys.private_key(lake)
        signed = msgspec.to_builtins(Told(SCHEMA, VERSION, as_of.astimezone(UTC), alerts, lake.tenant))
        is_written = write_once(path, FORM.content(signed, key, str(path)))
        write_checks(folder, FORM.schema_file, FORM.schema, key.public_key())
    return is_written


def verify_alerts(lake: Lake, public_key: bytes | None = None) -> int:
    """Check the published alerts: schema and signature.

    Args:
        public_key: Key in PEM that must have signed them; by default as `folder.verifying_key` has it.

    Returns:
        How many there are.

    Raises:
        VerificationError: The file cannot be read, or is not what this lake published.
    """
    path = lake.path(FOLDER) / FILE
    key, _ = verifying_key(lake, public_key)
    try:
        signed = FORM.read(path, key)
        check_tenant(lake, signed)
    except VerificationError as error:
        raise verification_error([error.message], "The alerts are not what this lake published", path) from error
    return len(signed["alerts"])
