"""Commands on golden sets: freeze the runs on which candidates are evaluated, list and verify them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import LAKE, ByOption, DoerOption, JsonOption, LakeOption, ReasonOption, TenantOption
from kaizenlake.cli.shell.output import decider, draw, open_view, say, say_json
from kaizenlake.errors import UsageError, VerificationError
from kaizenlake.vocabulary import plural

if TYPE_CHECKING:
    from kaizenlake.decide.replays.golden import GoldenSet
    from kaizenlake.lake.store import Lake


def add_to(app: typer.Typer) -> None:
    """Add the commands on golden sets."""
    add_group(
        app,
        "golden",
        (freeze, "freeze core --doer planner --since 2026-03-01 --at-most 500"),
        (list_, "list --doer planner"),
        (verify, "verify core"),
        about="Freeze runs as golden sets, on which every candidate of their agent is replayed; list and verify them.",
        more="A set is signed and has versions: what was frozen never changes.",
    )


def freeze(
    name: Annotated[str, typer.Argument(help="Name of the set; one that exists gets its next version.")],
    doer: Annotated[str | None, typer.Option("--doer", help="Agent whose runs it holds.")] = None,
    texts: Annotated[
        Path | None,
        typer.Option(
            help="Lines of JSON, each a text or an object with `text`: freeze these texts, which no example may hold, in place of runs."
        ),
    ] = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First UTC day on which the runs ended.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last such day.")] = None,
    outcome: Annotated[str | None, typer.Option(help="How the runs ended, as they say it.")] = None,
    run: Annotated[list[str] | None, typer.Option("--run", help="This run; may be given many times.")] = None,
    at_most: Annotated[int | None, typer.Option(min=1, help="Most runs; of more a sample is drawn.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of that sample.")] = 0,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze runs of an agent as the next version of a golden set: hashed and signed. The same runs once more change nothing."""
    from kaizenlake.decide.replays import golden

    if texts is not None:
        _freeze_texts(name, texts, open_view(lake, tenant, may_be_new=True), by=decider(by), reason=reason)
        return
    if doer is None:
        raise UsageError("Name the agent whose runs are frozen with --doer, or a file of texts with --texts.")
    filters = golden.Filters(_day(since), _day(until), outcome, tuple(run or ()), at_most, seed)
    item, is_new = golden.freeze(
        open_view(lake, tenant), name, doer=doer, by=decider(by), filters=filters, reason=reason
    )
    if as_json:
        say_json({**_gather_facts(item), "golden_runs": item.runs, "is_new": is_new})
        return
    state = "Frozen" if is_new else "It stands as it was frozen"
    say(
        f"{state}: {item.name} with {plural(len(item.runs), 'run')} of {item.doer}, content {item.content_sha256[:16]}…."
    )


def _freeze_texts(name: str, file: Path, lake: Lake, *, by: str, reason: str | None) -> None:
    """Freeze the texts of a file, and say so."""
    import json

    from kaizenlake.decide.training.datasets import freeze_texts

    try:
        read = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise UsageError(f"The texts cannot be read: {error}.", where=str(file)) from error
    held = [item.get("text") if isinstance(item, dict) else item for item in read]
    kept = [text for text in held if isinstance(text, str)]
    if len(kept) < len(held):
        place = next(place for place, text in enumerate(held, 1) if not isinstance(text, str))
        raise UsageError(f"Text {place} is none.", where=str(file), hint='A line is "…" or {"text": "…"}.')
    named, is_new = freeze_texts(lake, name, kept, by=by, reason=reason)
    say(
        f"{'Frozen' if is_new else 'It stands as it was frozen'}: {name} with {plural(len(held), 'text')}, content {named[:16]}…."
    )


def list_(
    lake: LakeOption = LAKE, tenant: TenantOption = None, doer: DoerOption = None, as_json: JsonOption = False
) -> None:
    """List every version of every golden set."""
    from kaizenlake.decide.replays import golden
    from kaizenlake.lake.trust import decisions

    found = [item for item in golden.golden_sets(decisions.of(open_view(lake, tenant))) if doer in {None, item.doer}]
    if as_json:
        say_json([_gather_facts(item) for item in found])
        return
    if not found:
        say("There is no golden set; `kaizen golden freeze NAME --doer DOER` makes one.")
        return
    heads = ("set", "version", "doer", "runs", "frozen", "by", "reason")
    rows = (_gather_facts(item) for item in found)
    draw(heads, [(r["golden_set_id"], r["golden_set_version"], r["doer"], r["runs"], r["frozen_at"], r["frozen_by"], r["reason"]) for r in rows])  # fmt: skip


def verify(
    name: Annotated[
        str | None,
        typer.Argument(help="Set, as NAME (its newest version) or NAME@VERSION; the newest of all unless given."),
    ] = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    public_key: Annotated[
        Path | None, typer.Option(help="Key in PEM that must have signed it; the lake's own unless given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check golden sets against the lake and their signatures: runs that were lost or changed since are named."""
    from kaizenlake import signing
    from kaizenlake.decide.replays import golden
    from kaizenlake.lake.trust import decisions

    opened = open_view(lake, tenant)
    events = decisions.of(opened)
    key = golden.public_key_of(opened)
    if public_key is not None:
        try:
            key = signing.public_key(public_key.read_bytes(), str(public_key))
        except OSError as error:
            raise UsageError(f"The key cannot be read: {error.strerror or error}.", where=str(public_key)) from error
    sets = golden.newest(events) if name is None else [golden.find(events, name)]
    found = {item.name: golden.problems(events, item, key) for item in sets}
    if as_json:
        say_json([{"golden_set": name, "problems": problems} for name, problems in found.items()])
    else:
        for item in sets:
            for problem in found[item.name]:
                say(f"FAILED  {problem}")
            if not found[item.name]:
                say(f"ok      golden set {item.name} ({plural(len(item.runs), 'run')})")
        if not sets:
            say("There is no golden set.")
    if failed := sum(map(bool, found.values())):
        raise VerificationError(f"{plural(failed, 'golden set')} failed.")


def _gather_facts(item: GoldenSet) -> dict[str, Any]:
    return {
        "golden_set_id": item.golden_set_id,
        "golden_set_version": item.golden_set_version,
        "doer": item.doer,
        "runs": len(item.runs),
        "content_sha256": item.content_sha256,
        "key_id": item.key_id,
        "frozen_at": item.frozen_at.astimezone(UTC).isoformat(timespec="seconds"),
        "frozen_by": item.frozen_by,
        "reason": item.reason,
    }


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()
