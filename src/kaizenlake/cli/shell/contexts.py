"""Find the published context that a command asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaizenlake.cli.shell.output import find_lake, note, open_view
from kaizenlake.errors import PublishError, UsageError

if TYPE_CHECKING:
    from kaizenlake.context import Loaded


def find_context(
    lake: str, tenant: str | None, project: str | None, segment: tuple[str, str] | None, *, is_evidence: bool = False
) -> Loaded:
    """Return the published context of everything, a project or a segment; a stale one is noted.

    Args:
        lake: Place of the lake.
        tenant: As `--tenant` says it.
        project: Project whose context it is.
        segment: Industry and kind of client whose context it is; an empty text leaves one of them open.
        is_evidence: The evidence is wanted, in place of the context itself.

    Raises:
        UsageError: Both a project and a segment are named.
        PublishError: No such context is published.
    """
    from kaizenlake.context import STALE, TENANT_NEEDED, load, load_evidence

    if project is not None and segment is not None:
        raise UsageError("A context is of a project or of a segment: give --project or --segment, not both.")
    industry, client_type = (name or None for name in segment or ("", ""))
    folder = find_lake(lake).path("published")
    read = load_evidence if is_evidence else load
    found = read(folder, tenant=tenant, project=project, industry=industry, client_type=client_type)
    if found.reason == TENANT_NEEDED:
        open_view(lake, None)
    if found.is_default:
        raise PublishError(
            f"No such context is published: {found.detail or found.reason}.",
            where=str(folder),
            hint="`kaizen nightly` publishes; `kaizen show projects` lists the projects.",
        )
    if found.reason == STALE:
        note(f"stale: {found.detail}")
    return found
