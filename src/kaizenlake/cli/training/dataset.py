"""Commands on data sets: cut versions to learn from, look at them, check them and write them for other libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import LAKE, ByOption, JsonOption, LakeOption, ReasonOption, TenantOption
from kaizenlake.cli.shell.output import decider, draw, open_view, say, say_json
from kaizenlake.errors import UsageError, VerificationError
from kaizenlake.vocabulary import plural

if TYPE_CHECKING:
    import polars as pl

    from kaizenlake.decide.training.datasets import DatasetVersion
    from kaizenlake.lake.store import Lake

NameArgument = Annotated[str, typer.Argument(help="Data set, such as summaries.")]
VersionOption = Annotated[
    str | None, typer.Option("--version", help="Version; the newest unless given.", show_default=False)
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", help="Condition, such as task_type=summary or quality_score>=80; may be given many times."),
]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", help="Lines of JSON with the fields of examples, in place of the lake's examples."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands on data sets."""
    add_group(
        app,
        "dataset",
        (create, "create summaries --where task_type=summary --min-examples 100"),
        (add, "add summaries"),
        (list_, "list"),
        (show, "show summaries"),
        (diff, "diff summaries 1.0.0 1.1.0"),
        (export, "export summaries --form chat --to out"),
        (verify, "verify summaries"),
        (audit, "audit summaries --html summaries.html"),
        about="Cut data sets of examples that are fit to be learnt from: versions by content, signed, with their splits.",
        more="`kaizen show example_rejections` says why other examples are left out.",
    )


def create(
    name: NameArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    where: WhereOption = None,
    min_examples: Annotated[int, typer.Option(min=0, help="Fewest examples there must be of the lake.")] = 1000,
    file: FileOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cut the first version of a data set of the lake's examples. The same examples once more change nothing."""
    from kaizenlake.decide.training import datasets

    opened = open_view(lake, tenant, may_be_new=True)
    rows = _choose(opened, where, min_examples, file)
    _tell(datasets.create(opened, name, rows, by=decider(by), reason=reason), as_json=as_json)


def add(
    name: NameArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    where: WhereOption = None,
    file: FileOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cut the next version of a data set: what it had, and the examples that have come since."""
    from kaizenlake.decide.training import datasets

    opened = open_view(lake, tenant)
    rows = _choose(opened, where, 0, file)
    _tell(datasets.add(opened, name, rows, by=decider(by), reason=reason), as_json=as_json)


def list_(lake: LakeOption = LAKE, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List every version of every data set."""
    from kaizenlake.decide.training import datasets
    from kaizenlake.lake.trust import decisions

    found = datasets.find_versions(decisions.of(open_view(lake, tenant)))
    if as_json:
        say_json(found)
    elif not found:
        say("There is no data set; `kaizen dataset create NAME` cuts one.")
    else:
        heads = ("data set", "version", "examples", "train", "val", "test", "cut", "by")
        names = ("dataset_id", "dataset_version", "examples_count", "train_count", "val_count", "test_count")
        draw(
            heads,
            [(*(row[key] for key in names), f"{row['occurred_at']:%Y-%m-%d}", row["decided_by"]) for row in found],
        )


def show(
    name: NameArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version of a data set: its splits, task types and labels."""
    from kaizenlake.decide.training import audits, datasets

    found = datasets.read(open_view(lake, tenant), name, version)
    facts = {"dataset_id": name, "version": found.version, "manifest_hash": found.told[-1]["manifest_sha256"]}
    told = audits.summarise(found.rows)
    if as_json:
        say_json({**facts, **told})
        return
    say(f"{name} {found.version}: {plural(found.rows.height, 'example')}, manifest {facts['manifest_hash'][:16]}….")
    _draw_shares(told)


def diff(
    name: NameArgument,
    one: Annotated[str, typer.Argument(help="Version, such as 1.0.0.")],
    other: Annotated[str, typer.Argument(help="A later version.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which examples one version has and another has not."""
    from kaizenlake.decide.training import datasets

    opened = open_view(lake, tenant)
    before, after = (datasets.read(opened, name, version).rows for version in (one, other))
    found = {
        "only_in_first": before.join(after, on="example_id", how="anti")["example_id"].to_list(),
        "only_in_second": after.join(before, on="example_id", how="anti")["example_id"].to_list(),
    }
    if as_json:
        say_json(found)
        return
    say(
        f"Only in {one}: {plural(len(found['only_in_first']), 'example')}. Only in {other}: {plural(len(found['only_in_second']), 'example')}."
    )
    draw(
        ("version", "example"),
        [(version, item) for version, ids in zip((one, other), found.values(), strict=True) for item in ids[:50]],
    )


def export(
    name: NameArgument,
    to: Annotated[Path, typer.Option("--to", help="Folder for the files; it is made.")],
    form: Annotated[
        str,
        typer.Option("--form", help="parquet, jsonl (prompt and completion), chat, preference or huggingface."),
    ] = "parquet",
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    version: VersionOption = None,
) -> None:
    """Write a version of a data set for other libraries, a file for each split and a card; persons are replaced in texts."""
    from kaizenlake.decide.training import datasets
    from kaizenlake.publish import guard
    from kaizenlake.publish.training.dataset_exports import export_dataset

    opened = open_view(lake, tenant)
    found = datasets.read(opened, name, version)
    manifest_hash = found.told[-1]["manifest_sha256"]
    with guard.guarding(is_on=opened.settings.publishing.redact) as redactor:
        written = export_dataset(found.rows, form, to, name=name, version=found.version, manifest_hash=manifest_hash)
    say(f"{name} {found.version}: wrote {plural(len(written), 'file')} to {to}.")
    if redactor.counts:
        say(f"Replaced: {', '.join(f'{number} {kind}' for kind, number in sorted(redactor.counts.items()))}.")


def verify(
    name: NameArgument, lake: LakeOption = LAKE, tenant: TenantOption = None, as_json: JsonOption = False
) -> None:
    """Check every version of a data set: files, hashes, signatures, and that nothing near lies in two splits."""
    from kaizenlake.decide.training import datasets

    problems = datasets.verify(open_view(lake, tenant), name)
    if as_json:
        say_json({"dataset_id": name, "problems": problems})
    else:
        for problem in problems:
            say(f"FAILED  {problem}")
        if not problems:
            say(f"ok      data set {name}")
    if problems:
        raise VerificationError(f"The data set {name} failed.")


def audit(
    name: NameArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    version: VersionOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page to this file instead.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look through a version of a data set: shares, diversity against the version before, outputs of models, what was dropped."""
    from kaizenlake.decide.training import audits

    opened = open_view(lake, tenant)
    told = audits.audit(opened, name, version)
    if html is not None:
        _write_page(opened, told, html)
        return
    if as_json:
        say_json(told)
        return
    say(f"{name} {told['version']}: {plural(told['examples'], 'example')}.")
    _draw_shares(told)
    draw(("diversity of outputs", "figure", "version before"), told["diversity"])
    say(f"Outputs of models that nobody edited or verified: {told['synthetic_share']:.1%}.")
    if told["rejections"]:
        draw(("dropped for", "examples"), told["rejections"])
    if told["class_weights"]:
        draw(
            ("label", "examples", "weight for balance"), [(*row[:2], f"{row[2]:.3f}") for row in told["class_weights"]]
        )
    for warning in told["warnings"]:
        say(f"WARNING {warning}")


def _write_page(opened: Lake, told: dict[str, Any], html: Path) -> None:
    from datetime import UTC, datetime

    from kaizenlake.publish import guard
    from kaizenlake.report.audit.dataset_audit import build_dataset_audit
    from kaizenlake.report.engine.render import render_html

    with guard.guarding(is_on=opened.settings.publishing.redact):
        page = render_html(build_dataset_audit(told, as_of=datetime.now(UTC)))
    try:
        html.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The file cannot be written: {error.strerror}.", where=str(html)) from error
    say(str(html))


def _draw_shares(told: dict[str, Any]) -> None:
    for head in ("splits", "task_types", "labels"):
        if told[head]:
            draw(
                (head.replace("_", " "), "examples", "share"), [(row[0], row[1], f"{row[2]:.1%}") for row in told[head]]
            )


def _choose(lake: Lake, where: list[str] | None, least: int, file: Path | None) -> pl.DataFrame:
    """Return the examples of a file, or of the lake."""
    from kaizenlake.decide.training import datasets
    from kaizenlake.training.examples import TrainingExample, frame_of

    if file is None:
        return datasets.find_examples(lake, where or (), min_examples=least)
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        examples = [TrainingExample(**line) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"The examples cannot be read: {error}.",
            where=str(file),
            hint='Each line is an object such as {"input_text": "…", "output_text": "…", "quality_score": 85, "confidence": 0.9}.',
        ) from error
    return frame_of(examples)


def _tell(made: DatasetVersion, *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                name: getattr(made, name)
                for name in ("dataset_id", "version", "splits", "manifest_hash", "left_out", "is_new")
            }
        )
        return
    counts = ", ".join(f"{len(ids)} {split}" for split, ids in made.splits.items())
    state = "Cut" if made.is_new else "It stands as it was cut"
    say(f"{state}: {made.dataset_id} {made.version} ({counts}), manifest {made.manifest_hash[:16]}….")
    if made.left_out:
        say(f"Left out, since near to examples of two splits: {plural(len(made.left_out), 'example')}.")
