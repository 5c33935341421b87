"""The reports on canaries and policies as files beside the Kaizen report, only where there is something to tell."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kaizenlake.publish import audit_report, canary_report
from kaizenlake.publish.canary_report_data import current
from kaizenlake.publish.report import folder_of, last_figures, write_document
from kaizenlake.publish.report_learning import canary_file
from kaizenlake.publish.report_rows import Scan

AUDIT = "policy-audit"


def write_canaries(scan: Scan, out: Path, *, as_of: datetime) -> tuple[Path, ...]:
    """Write the report of each deployment that runs, or ended since the report before.

    Args:
        scan: Gives a table as a lazy frame: `Lake.scan`.
        out: Folder of the reports.
        as_of: Aware instant; the tables hold what happened before it.

    Returns:
        Paths of the pages and PDFs: `<out>/<date of as_of>/canary-<name>.html` and `.pdf`.

    Raises:
        LakeError: A table cannot be read, or a file cannot be written.
        PublishError: A chart or a PDF could not be made.
    """
    before = last_figures(out, before=as_of)
    names = current(scan, as_of=as_of, since=None if before is None else before.as_of)
    return tuple(path for name in names for path in write_canary(scan, out, name, as_of=as_of))


def write_canary(scan: Scan, out: Path, deployment_id: str, *, as_of: datetime) -> tuple[Path, ...]:
    """Write the report of one deployment; nothing where there is none of that name, or no look at it.

    Args:
        scan: Gives a table as a lazy frame.
        out: Folder of the reports.
        deployment_id: The deployment.
        as_of: Aware instant; the tables hold what happened before it.
    """
    found = canary_report.document(scan, deployment_id, as_of=as_of)
    return () if found is None else write_document(found, folder_of(out, as_of), canary_file(deployment_id))


def write_audit(scan: Scan, out: Path, key: Ed25519PublicKey | None, *, as_of: datetime) -> tuple[Path, ...]:
    """Write the audit of policies, `<out>/<date of as_of>/policy-audit.html` and `.pdf`; nothing without a decision.

    Args:
        scan: Gives a table as a lazy frame.
        out: Folder of the reports.
        key: Key of the lake, which must have signed the versions.
        as_of: Aware instant; the tables hold what happened before it.
    """
    found = audit_report.document(scan, key, as_of=as_of)
    return () if found is None else write_document(found, folder_of(out, as_of), AUDIT)
