"""What the pages of a site are made of: the tables as one tenant has them, and what the night knows beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kaizenlake.job import Job
from kaizenlake.report.engine.rows import Figures
from kaizenlake.report.kaizen.kaizen_data import DEFAULT_BEARINGS, Bearings
from kaizenlake.tables import Scan, Table


@dataclass(frozen=True)
class StoredTable:
    """How a table is stored.

    Args:
        version: Its version; None where it was never written.
        rows: Its rows; None where the lake has several tenants, of which none is told how much others have.
        written_at: When rows were last written or removed; None where that is not known.
        problem: What is wrong with it, in words; empty where nothing is.
    """

    version: int | None = None
    rows: int | None = None
    written_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True)
class TableRun:
    """One run that wrote a table.

    Args:
        run_id: The run.
        started_at: When it started.
        status: How the step ended.
        why: Why it ran.
        rows: Rows that it wrote; None where that is not told.
        seconds: Time it took.
    """

    run_id: str
    started_at: datetime
    status: str
    why: str
    rows: int | None
    seconds: float


@dataclass(frozen=True)
class Fault:
    """Something of the night that broke, or that somebody should look at: in words, with what can be done, and a command."""

    text: str
    more: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class SiteScope:
    """What a site is made of; equal ones make equal pages.

    Args:
        scan: Gives a table as a lazy frame, as the tenant has it.
        as_of: Aware instant; events before it count.
        tables: Tables of the lake.
        jobs: Jobs of the lake.
        tasks: Tasks as they stand at this moment.
        brands: Brands as they are described at this moment.
        stored: How each table is stored, by full name.
        runs: Latest runs that wrote each table, by full name, the latest first.
        faults: What broke tonight.
        notes: What the night did that is worth knowing, in words.
        previous: Figures of the report before.
        bearings: Settings by which the tables were computed.
        reports: Reports of the night: name and link from the top of the site.
        named: Whose site it is, in words; empty where there is one tenant.
        lake: Where the lake is, for commands; empty where it is not told.
        tenant: Value of `--tenant` for commands; None where there is one tenant.
        most: Most pages of one kind.
    """

    scan: Scan
    as_of: datetime
    tables: tuple[type[Table], ...]
    jobs: tuple[Job, ...] = ()
    tasks: Sequence[Mapping[str, Any]] = ()
    brands: Sequence[Mapping[str, Any]] = ()
    stored: Mapping[str, StoredTable] = field(default_factory=dict)
    runs: Mapping[str, Sequence[TableRun]] = field(default_factory=dict)
    faults: Sequence[Fault] = ()
    notes: Sequence[str] = ()
    previous: Figures | None = None
    bearings: Bearings = DEFAULT_BEARINGS
    reports: Sequence[tuple[str, str]] = ()
    named: str = ""
    lake: str = ""
    tenant: str | None = None
    most: int = 1000
