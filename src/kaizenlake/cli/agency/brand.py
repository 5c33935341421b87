"""Commands on brands: describe one, and look at what is known of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import LAKE, JsonOption, LakeOption, TenantOption
from kaizenlake.cli.shell.output import decider, draw, note, open_view, say, say_json

if TYPE_CHECKING:
    from kaizenlake.lake.store import Lake


def add_to(app: typer.Typer) -> None:
    """Add the commands on brands."""
    add_group(
        app,
        "brand",
        (add, "add acme.toml"),
        (list_, "list"),
        (show, "show acme"),
        (note_, 'note acme "Opens fall in school holidays" --source "review of May"'),
        (notes, "notes acme --search holidays"),
        about="Describe the brands that are worked for, and look at what is known of them.",
        more="A description replaces the one before; executors ask by name for what it does not tell.",
    )


def add(
    file: Annotated[
        Path,
        typer.Argument(
            help="TOML or JSON with brand_id, name, and any of offer, audience, voice, competitors, claims, zone, holidays, "
            "logo and projects."
        ),
    ],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
) -> None:
    """Describe a brand; what was known of it before does not count any more."""
    from kaizenlake.decide.agency import brands

    opened = open_view(lake, tenant, may_be_new=True)
    name = brands.describe(opened, brands.read_file(file), where=str(file))
    say(f"The brand {name} is described.")
    _say_doubts(opened, brands.require_brand(opened, name))


def list_(lake: LakeOption = LAKE, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the brands, each with what is not told of it."""
    from kaizenlake.decide.agency import brands

    rows = list(brands.find_brands(open_view(lake, tenant)).iter_rows(named=True))
    if as_json:
        say_json(rows)
    elif not rows:
        say("No brand is described yet; `kaizen brand add FILE` describes one.")
    else:
        heads = ("brand", "name", "zone", "projects", "described", "not told")
        draw(
            heads,
            [
                (
                    row["brand_id"],
                    row["name"],
                    row["zone"],
                    row["projects"],
                    f"{row['described_at']:%Y-%m-%d}",
                    _find_unknown(row),
                )
                for row in rows
            ],
        )


def show(
    brand: Annotated[str, typer.Argument(help="Brand, such as acme.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is known of a brand."""
    from kaizenlake.decide.agency import brands

    opened = open_view(lake, tenant)
    row = brands.require_brand(opened, brand)
    if as_json:
        say_json(row)
        return
    draw(("field", "told"), [(name, value) for name, value in row.items() if name != "tenant_id"])
    _say_doubts(opened, row)


def _say_doubts(lake: Lake, row: dict[str, Any]) -> None:
    """Say what is not told of a brand, and what of it cannot be used."""
    from kaizenlake.decide.agency import brands
    from kaizenlake.report.agency.client_logo import FOLDER, why_no_logo

    if unknown := _find_unknown(row):
        say(f"Not told: {', '.join(unknown)}.")
    for project, names in brands.find_shared(lake, row["brand_id"]).items():
        note(f"The project {project} is named by {', '.join(names)} too: what names no brand there is nobody's.")
    if (why := why_no_logo(lake.path(FOLDER, *lake.tenant_place), row["logo"])) is not None:
        note(why)


def note_(
    brand: Annotated[str, typer.Argument(help="Brand, such as acme.")],
    text: Annotated[str, typer.Argument(help="What was learned of it, in words.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--source", help="Where it comes from; the user of this machine unless given.", show_default=False
        ),
    ] = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
) -> None:
    """Keep a note on a brand, with its source and its date."""
    from kaizenlake.decide.agency import brands

    brands.add_note(open_view(lake, tenant), {"brand_id": brand, "insight": text, "told_by": decider(source)})
    say(f"Noted of {brand}.")


def notes(
    brand: Annotated[str, typer.Argument(help="Brand, such as acme.")],
    search: Annotated[str, typer.Option("--search", help="Words that a note holds, all of them.")] = "",
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was noted of a brand, the latest first."""
    from kaizenlake.decide.agency import brands

    opened = open_view(lake, tenant)
    rows = brands.find_notes(opened, str(brands.require_brand(opened, brand)["brand_id"]), search)
    if as_json:
        say_json(rows)
    elif not rows:
        say(f"Nothing of {brand} was noted{' that holds these words' if search else ''}.")
    else:
        draw(("on", "source", "note"), [(f"{row['noted_at']:%Y-%m-%d}", row["told_by"], row["note"]) for row in rows])


def _find_unknown(row: dict[str, object]) -> list[str]:
    """Return names of the facts that nobody told."""
    facts = ("offer", "audience", "voice", "competitors", "claims", "logo", "projects")
    return [name for name in facts if not row[name]]
