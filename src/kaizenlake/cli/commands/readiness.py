"""The command that says whether packs are fit to be sold, and what to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, JsonOption, LakeOption, TenantOption
from kaizenlake.cli.shell.output import note, open_view, say, say_json
from kaizenlake.errors import BenchmarkEnforcementError, UsageError
from kaizenlake.vocabulary import plural

if TYPE_CHECKING:
    from kaizenlake.lake.store import Lake


def add_to(app: typer.Typer) -> None:
    """Add the command on readiness."""
    add_commands(app, (readiness, "readiness strategy_campaign_premium"))


def readiness(
    pack: Annotated[str | None, typer.Argument(help="Pack, such as strategy_campaign_premium.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every pack that has benchmarks or was generated.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Judge this file: a section, or a pack whose headings name its sections, or JSON."),
    ] = None,
    section: Annotated[str | None, typer.Option("--section", help="Section that the file holds.")] = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether packs are fit to be sold: what fails, and what to change. Exit 9 where a section fails."""
    from kaizenlake import settings
    from kaizenlake.readiness.benchmarks import judging_by

    if file is not None:
        with judging_by(settings.load(lake).readiness):
            said = [_of_file(file, pack, section)]
    elif (pack is None) is every:
        view = open_view(lake, tenant)
        with judging_by(view.settings.readiness):
            said = list(_of_lake(view, pack))
    else:
        raise UsageError("Name one pack, or --all, or a --file.", hint="`kaizen readiness --help` shows examples.")
    if as_json:
        say_json(said if every else said[0])
    else:
        for one in said:
            _say(one)
    if failed := sum(item["verdict"] == "FAIL" for one in said for item in one["sections"]):
        raise BenchmarkEnforcementError(f"{plural(failed, 'section fails its', 'sections fail their')} benchmark.")


def _of_file(file: Path, pack: str | None, section: str | None) -> dict[str, Any]:
    """Return what the sections of a file make of their benchmarks."""
    from kaizenlake.readiness.drafts import find_drafts
    from kaizenlake.readiness.judge import judge

    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"It cannot be read: {error}.", where=str(file)) from None
    drafts = find_drafts(file, text, pack, section)
    sections = []
    for draft in drafts:
        judgement = judge(draft.text, draft.pack, draft.section)
        rules = [
            {
                "rule": rule.rule,
                "verdict": rule.verdict,
                "found": rule.found,
                "wanted": rule.wanted,
                "line": None if rule.line is None else rule.line + draft.lines_before,
                "advice": rule.advice,
            }
            for rule in judgement
        ]
        sections.append({"section": draft.section, "verdict": judgement.verdict, "rules": rules})
    return {"pack": drafts[0].pack, "file": str(file), "sections": sections}


def _of_lake(lake: Lake, pack: str | None) -> Iterator[dict[str, Any]]:
    """Yield what is known of one pack, or of all."""
    states = find_states(lake)
    if pack is None:
        chosen = list(states)
    else:
        from kaizenlake.readiness.benchmarks import benchmark_of, spell

        if (name := spell(pack)) not in states:
            benchmark_of(pack, "overview")  # raises with the likely names
        chosen = [name]
    rules = _latest_rules(lake)
    for name in chosen:
        yield states[name] | {"sections": rules.get(name, [])}


def find_states(lake: Lake) -> dict[str, dict[str, Any]]:
    """Return what is known of every pack that has benchmarks or was generated, by its key.

    Args:
        lake: The lake, as one tenant has it.
    """
    from kaizenlake.readiness.benchmarks import packs, read_pack
    from kaizenlake.tables import PackReadiness

    if not lake.exists(PackReadiness):
        note("gold.pack_readiness has not been written yet; `kaizen nightly` computes it.")
    rows = lake.scan(PackReadiness).drop("tenant_id").collect().rows(named=True)
    found = {row["pack_key"]: {"pack": row.pop("pack_key"), "was_generated": True} | row for row in rows}
    never = {
        name: {
            "pack": name,
            "was_generated": False,
            "has_benchmark": True,
            "is_ready": False,
            "verdict": None,
            "sections_missing": list(read_pack(name).core_sections),
        }
        for name in packs()
        if name not in found
    }
    return dict(sorted((found | never).items()))


def _latest_rules(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Return the rules of the latest real text of each section, by pack."""
    import polars as pl

    from kaizenlake.tables import SectionReadiness

    order = ("occurred_at", "event_id")
    latest = pl.col("event_id") == pl.col("event_id").sort_by(*order).last().over("pack_key", "section_id")
    rows = (
        lake.scan(SectionReadiness).filter(~pl.col("is_stub")).filter(latest).sort("pack_key", "section_id").collect()
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for (pack, section), group in rows.group_by("pack_key", "section_id", maintain_order=True):
        first = group.row(0, named=True)
        about = {
            "section": section,
            "verdict": first["section_verdict"],
            "project_id": first["project_id"],
            "occurred_at": first["occurred_at"],
        }
        rules = group.select("rule", "verdict", "found", "wanted", pl.col("text_line").alias("line"), "advice")
        found.setdefault(str(pack), []).append(about | {"rules": rules.rows(named=True)})
    return found


def _say(one: dict[str, Any]) -> None:
    say(f"{one['file']}, {one['pack']}:" if "file" in one else say_state(one))
    for item in one["sections"]:
        when = _describe_origin(item) if "occurred_at" in item else ""
        say(f"  {item['section']}: {item['verdict']}{when}")
        for rule in item["rules"]:
            if rule["verdict"] != "PASS":
                line = f", line {rule['line']}" if rule["line"] else ""
                say(f"    {rule['verdict']} {rule['rule']}{line}: {_describe_found(rule)}{rule['advice']}")


def _describe_origin(item: dict[str, Any]) -> str:
    """Return when a section was generated, and for which project, if any was named."""
    project = f", project {item['project_id']}" if item["project_id"] else ""
    return f" ({item['occurred_at']:%Y-%m-%d}{project})"


def _describe_found(rule: dict[str, Any]) -> str:
    """Return what was found and what is wanted of a figure; of words the advice says it."""
    found = rule["found"]
    if found is None or rule["rule"] == "FORBIDDEN_PHRASE":
        return ""
    shown = f"{found:.1f}" if isinstance(found, float) else found
    return f"found {shown}, wanted {'at most' if _is_limit_above(rule['rule']) else 'at least'} {rule['wanted']}. "


def _is_limit_above(rule: str) -> bool:
    return rule.startswith("TOO_MANY") or rule == "SENTENCES_TOO_LONG"


def say_state(one: dict[str, Any]) -> str:
    """Return what is known of a pack in one line: whether it passes with real content, and what was only ever a stub."""
    if not one["has_benchmark"]:
        return f"{one['pack']}: there is no benchmark of it, so nobody knows."
    if not one["was_generated"]:
        return f"{one['pack']}: never generated."
    parts = [
        *_list("fails", one["sections_failed"]),
        *_list("no real text was ever judged of", one["sections_missing"]),
        *_list("only ever a stub", one["sections_only_stub"]),
        *_list("generated without its text", one["sections_without_text"]),
        *_list("without a benchmark", one["sections_without_benchmark"]),
        *_list("style", one["sections_with_warnings"]),
    ]
    state = "ready" if one["is_ready"] else "not ready"
    passed = plural(len(one["sections_passed"]), "section passes", "sections pass")
    return f"{one['pack']}: {state}; {'; '.join([f'{passed} with real content', *parts])}."


def _list(what: str, names: Iterable[str]) -> list[str]:
    return [f"{what}: {', '.join(names)}"] if names else []
