"""Commands on trust: keys of the lake and of persons, and a lake of an older format brought to this one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands, add_group
from kaizenlake.cli.shell.options import LAKE, ByOption, JsonOption, LakeOption, ReasonOption
from kaizenlake.cli.shell.output import decider, draw, note, open_lake, say, say_json, system_user
from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import plural


def add_to(app: typer.Typer) -> None:
    """Add the commands on trust."""
    add_group(
        app,
        "keys",
        (add, "add ann --private ~/.kaizen/ann.pem"),
        (list_, "list"),
        (rotate, 'rotate --by ann --reason "a laptop was lost"'),
        about="Keys: that of the lake, which signs decisions and publications, and those of persons who approve.",
        more="Who holds a private key can sign with it: keep a backup of keys/ where only its owner reads it.",
    )
    add_commands(app, (migrate, "migrate --by ann"))


def add(
    name: Annotated[str, typer.Argument(help="The person, as promotion.approvers names them.")],
    lake: LakeOption = LAKE,
    private: Annotated[
        Path | None,
        typer.Option("--private", help="Make a key, and write its private half to this file, for its owner alone."),
    ] = None,
    public: Annotated[
        Path | None,
        typer.Option("--public", help="Take this public key in PEM; its private half stays with the person."),
    ] = None,
    by: ByOption = None,
) -> None:
    """Take the public key of a person, so that approvals can be signed; the private half never lies in the lake."""
    from kaizenlake.decide.record import trust

    if (private is None) == (public is None):
        raise UsageError("Give either --private FILE, to make a key, or --public FILE, to take one.")
    opened, who = open_lake(lake), decider(by)
    if private is not None:
        pem = trust.make_person_key(opened, private)
    else:
        assert public is not None
        try:
            pem = public.read_bytes()
        except OSError as error:
            raise UsageError(f"The key cannot be read: {error.strerror or error}.", where=str(public)) from error
    key_id = trust.add_person(opened, name, pem, by=who, where=str(public or private), system_user=system_user())
    say(f"The key {key_id} is that of {name}.")
    if private is not None:
        say(f"Its private half is {private}, which only its owner may read; there is no copy of it.")
    approvers = opened.settings.promotion.approvers
    if name not in approvers:
        named = ", ".join(f'"{item}"' for item in (*approvers, name))
        note(f"The settings do not name {name} as an approver: in kaizen.toml, [promotion] approvers = [{named}].")


def list_(lake: LakeOption = LAKE, as_json: JsonOption = False) -> None:
    """List the keys: the lake's own, those before it, and those of persons with who added them."""
    from kaizenlake.decide.record import trust
    from kaizenlake.lake.trust import keys

    opened = open_lake(lake)
    held, persons = keys.trust(opened), trust.persons(opened)
    approvers = opened.settings.promotion.approvers
    if as_json:
        of_persons = [
            {"person": item.person, "key_id": item.key_id, "added_by": item.added_by, "added_at": item.added_at}
            for item in persons.values()
        ]
        say_json({"own": held.own, "former": [name for name in held.keys if name != held.own], "persons": of_persons})
        return
    say(f"The lake signs with the key {held.own} ({held.source})." if held.own else "There is no key here yet.")
    for name in held.keys:
        if name != held.own:
            say(f"Before it: {name}.")
    if persons:
        draw(
            ("person", "key", "approver", "added by", "added"),
            [
                (
                    item.person,
                    item.key_id,
                    item.person in approvers,
                    item.added_by,
                    f"{item.added_at:%Y-%m-%d %H:%M} UTC",
                )
                for item in persons.values()
            ],
        )


def rotate(
    lake: LakeOption = LAKE,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt", help="Vouch also for events that no key signed, such as were landed while no key was at hand."
        ),
    ] = False,
    by: ByOption = None,
    reason: ReasonOption = None,
) -> None:
    """Make another key for the lake: it vouches for what stands, and signs anew what is published."""
    from kaizenlake.decide.record import trust

    done = trust.rotate(open_lake(lake), by=decider(by), reason=reason, system_user=system_user(), adopts=adopt)
    say(f"The key {done.key_id} signs from now on; {plural(done.files, 'published file')} were signed anew.")
    if done.former_key_id is not None:
        say(f"Readers that hold the key {done.former_key_id} follow by themselves; hand the new one to new readers:")
    else:
        say("The key before it is lost, so readers cannot follow by themselves; hand each of them the new public key:")
    say(str(done.public_key))
    if done.adopted:
        say(f"The new key vouches also for {plural(done.adopted, 'event')} that no key had signed.")
    if done.unsigned:
        note(
            f"{plural(done.unsigned, 'event')} that no key signed count for nothing. Where they were landed while no key "
            "was at hand, `kaizen keys rotate --adopt` vouches for them; else somebody wrote them into the table."
        )


def migrate(lake: LakeOption = LAKE, by: ByOption = None, reason: ReasonOption = None) -> None:
    """Bring a lake of an older version to this one: a person vouches for its decisions, and the tables are made anew."""
    from kaizenlake.decide.record import trust
    from kaizenlake.night import run as night

    opened = open_lake(lake)
    done = trust.adopt(opened, by=decider(by), reason=reason, system_user=system_user())
    if done is None:
        say("nothing to do: the lake has the format of this version.")
        return
    say(
        f"The lake had format {done.former_format}. {plural(done.decisions, 'decision')} and "
        f"{plural(done.events, 'event')} that carried no signature of their own were adopted by one signed decision."
    )
    run = night.nightly(
        opened,
        as_of=night.next_midnight(datetime.now(UTC)),
        command="migrate",
        full=True,
        take=None,
    )
    for error in run.errors:
        note(f"error [{error.code}] in {error.step}: {error.message}")
    say("The tables were made anew, and published.")
    if run.exit_code:
        raise typer.Exit(run.exit_code)
