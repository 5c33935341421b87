"""The skill cards published: one signed file a doer, the context of whoever generates as that doer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from kaizenlake import tables
from kaizenlake._version import __version__
from kaizenlake.lake.store import Lake
from kaizenlake.publish.context.model import NOTICE
from kaizenlake.publish.signed import skill_file as model
from kaizenlake.publish.signed.signed_files import FileForm, SignedFiles
from kaizenlake.publish.signed.signed_folder import FOLDER, VerifiedFolder
from kaizenlake.publish.signed.skill_data import READ, skills

PLACE = "skills"

FILES = SignedFiles(
    PLACE, FileForm(model.SCHEMA, model.VERSION, model.SkillFile, model.json_schema(), "skill card"), "skill cards"
)


@dataclass(frozen=True)
class PublishedSkills:
    """What a publication of skill cards did.

    Args:
        doers: Doers that have a file.
        written: Files that were written or removed; 0 where nothing changed and each is good for long enough.
    """

    doers: int
    written: int


def publish_skills(lake: Lake, *, as_of: datetime, generated_at: datetime, run_id: str) -> PublishedSkills:
    """Publish the skill card of every doer; a file that would say the same, and holds for long enough, stays as it is.

    Each file is replaced whole. The file of a doer that has no card any more is removed.

    Args:
        as_of: Events before this instant count in the tables.
        generated_at: Now, aware.
        run_id: The run that publishes.

    Raises:
        LockedError: Another process publishes.
        PublishError: A file breaks its schema, or the signing key is of no use.
        LakeError: A table cannot be read, or a file cannot be written.
    """
    publishing = lake.settings.publishing
    found = skills(lake.scan, as_of=as_of, text_length=publishing.text_length, entries=publishing.entries)
    if not found and not lake.path(FOLDER, PLACE).is_dir():
        return PublishedSkills(0, 0)
    provenance = model.Provenance(
        run_id=run_id,
        package_version=__version__,
        tables={tables.full_name(table): lake.version(table) for table in READ},
    )
    of_the_document = {"data_notice": NOTICE, "provenance": msgspec.to_builtins(provenance)}
    said = {skill.doer: msgspec.to_builtins(skill) | of_the_document for skill in found}
    with FILES.hold(lake) as held:
        written = held.replace(said, at=generated_at, valid_for=timedelta(hours=publishing.valid_hours))
    return PublishedSkills(len(found), written)


def verify_skills(lake: Lake, public_key: bytes | None = None) -> VerifiedFolder:
    """Check the published skill cards; see `SignedFiles.verify`."""
    return FILES.verify(lake, public_key)
