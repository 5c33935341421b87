"""Bronze: what arrived, as it arrived."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import Instant, Table, Words, column, count, table


@table(layer="bronze", grain=("event_id",), partition="event_date")
class Events(Table):
    """One event, exactly once: the single source of truth, only ever appended to."""

    event_id: str = column("Name of the event, unique in the lake.")
    event_type: str = column("Type, as in the catalogue.")
    event_date: pl.Date = column("UTC date of the event's own time.")
    occurred_at: Instant = column("When it happened.")
    project_id: str = column("Project it belongs to; null where it belongs to none.", nullable=True)
    tenant_id: str = column("Tenant it belongs to; null where there is one only.", nullable=True)
    tags: Words = column("Free tags.", nullable=True)
    payload: str = column("Payload as JSON text.")
    metadata: str = column("Free object as JSON text; null where nothing was given.", nullable=True)
    payload_hash: str = column("SHA-256 of everything the producer said, by which two events of one id are compared.")
    source: str = column("Producer: the CloudEvents source, or the name of the mapping that read a foreign table.")
    file: str = column("File it came from.")
    line: pl.Int64 = column("Line or row in that file, from 1.", ge=1)
    landed_at: Instant = column("When it was landed.")
    batch: pl.Int64 = column(
        "Number of the batch in which it was landed, whose signed digest finds a changed event; null for a decision, "
        "for an event that was adopted from an older lake, and for one that this program did not write.",
        nullable=True,
        ge=1,
    )
    seal: str = column(
        "Of a decision: number, hash of the one before, key and signature, as JSON text; of the first event of a batch "
        "the same of the batch; null for other events.",
        nullable=True,
    )


@table(layer="bronze", grain=("quarantine_id",))
class Quarantine(Table):
    """One line that broke a rule, with its raw text and every rule it broke."""

    quarantine_id: str = column(
        "SHA-256 of file hash, mapping, line, type and raw text, so that landing twice is once."
    )
    rules: Words = column("Stable names of the rules it broke.")
    reasons: Words = column("The same in words: what was expected, what was found.")
    event_type: str = column("Type it claimed; null where none could be read.", nullable=True)
    raw: str = column(
        "Text of the line, cut to the longest line that is taken, bytes outside UTF-8 escaped; of a foreign table "
        "the row as a JSON object."
    )
    file: str = column("File it came from.")
    line: pl.Int64 = column("Line or row in that file, from 1.", ge=1)
    file_hash: str = column("SHA-256 of that file; of its name, where it is a spool segment, which grows.")
    mapping: str = column("Mapping that read it; null for events of our own form.", nullable=True)
    quarantined_at: Instant = column("When it was quarantined.")
    status: str = column("Waiting, or landed by a later retry.", isin=("waiting", "landed"))


@table(layer="bronze", grain=("file_hash",))
class Landings(Table):
    """One file that was landed, or what a segment had grown by: lines in = landed + duplicate + quarantined."""

    file_hash: str = column(
        "SHA-256 of the file, of a segment up to where it was read; of file and mapping, where a mapping read it."
    )
    file: str = column("File, as it was named when it was landed first.")
    mapping: str = column("Mapping that read it; null for events of our own form.", nullable=True)
    lines_in: pl.Int64 = count(
        "Lines that were read; blank ones do not count, and a row counts for each event it stands for."
    )
    landed: pl.Int64 = count("Lines that became events.")
    duplicate: pl.Int64 = count("Lines that were in the lake already, or that name who was forgotten.")
    quarantined: pl.Int64 = count("Lines that went to quarantine.")
    newest_at: Instant = column("Time of the newest event landed from it; null where none was.", nullable=True)
    landed_at: Instant = column("When it was landed.")
    segment_bytes: pl.Int64 = count(
        "Bytes of a spool segment, from its first, that are landed with it, so that the rest alone is read next time; "
        "null for another file.",
        nullable=True,
    )


@table(layer="bronze", grain=("acknowledged_at", "acknowledged_by"))
class Acknowledgements(Table):
    """One word of a person who has seen what waits in quarantine: `--strict` passes over what was there before it."""

    acknowledged_at: Instant = column("When it was given; what was quarantined up to then is acknowledged.")
    acknowledged_by: str = column("Who gave it, by their own word.")
    system_user: str = column(
        "User of the machine who ran the command; null where the machine does not know.", nullable=True
    )
    note: str = column("Why the lines may wait, in words; null where nothing was said.", nullable=True)
    waiting: pl.Int64 = count("Lines that waited then.")
