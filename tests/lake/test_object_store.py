"""The same lake in an object store: what lands there is what lands in a folder, and of writers that race none loses a row."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import boto3
import pytest

from cli.running import kaizen
from kaizenlake import tables
from kaizenlake.errors import LakeError
from kaizenlake.lake import Lake
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.night.verify import checks
from lake.shelves import Visits, day, held, put, visits

TESTS = Path(__file__).parents[1]
BUCKET = "kaizen"
ACCESS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def options():
    """What a lake must know of a server that speaks S3: in a process of its own, as storage is."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            told = (re.search(r"Running on (http://[\d.:]+)", line) for line in server.stderr)
            url = next(found[1] for found in told if found)
            # Nobody reads what it says from here on; a full pipe would stop it.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            boto3.client(
                "s3",
                endpoint_url=url,
                aws_access_key_id=ACCESS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=ACCESS["AWS_SECRET_ACCESS_KEY"],
                region_name=ACCESS["AWS_REGION"],
            ).create_bucket(Bucket=BUCKET)
            yield {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", **ACCESS}
        finally:
            server.kill()


@pytest.fixture
def far(options, tmp_path, request):
    """A lake in the store; what has no place there is in a folder."""
    Lake.create(tmp_path / "home")
    return Lake(f"s3://{BUCKET}/{request.node.name}", storage_options=options, home=tmp_path / "home")


def test_what_lands_in_a_store_is_what_lands_in_a_folder_and_lands_once(far, tmp_path):
    near = Lake.create(tmp_path / "near")
    with resources.as_file(resources.files("kaizenlake.samples") / "agency_events.ndjson") as sample:
        lines = sample.read_text().splitlines(keepends=True)
    (tmp_path / "first.ndjson").write_text("".join([*lines[:200], "no json\n"]))
    (tmp_path / "second.ndjson").write_text("".join(lines[150:]))
    for lake in (near, far):
        land(lake, [tmp_path / "first.ndjson"])
        again = land(lake, [tmp_path / "first.ndjson", tmp_path / "second.ndjson"])
        assert sum(tally.landed for tally in again.tallies) == len(lines) - 200
    for table in tables.BRONZE:
        ours, theirs = (
            # A seal names its lake.
            lake.scan(table)
            .drop("landed_at", "quarantined_at", "batch", "seal", strict=False)
            .sort(tables.grain(table))
            .collect()
            for lake in (far, near)
        )
        assert ours.equals(theirs), tables.name(table)
    assert far.rows(tables.Events) == len(lines)
    assert [check.error for check in checks(far)] == [None] * len(list(checks(near)))


def test_days_are_rewritten_and_files_put_together(far):
    put(far, Visits, [visits(number) for number in range(3)])
    put(far, Visits, [visits(1, ["cid"], pages=7)], days=[1])
    assert held(far) == {day(0): {"ann": 1, "bob": 1}, day(1): {"cid": 7}, day(2): {"ann": 1, "bob": 1}}
    maintain(far, only=[Visits])
    assert held(far)[day(1)] == {"cid": 7}
    assert far.changed_days(Visits, 0) == {day(1)}


def test_of_racing_appends_each_row_lands_once(far, options):
    put(far, Visits, [visits(0, ["ann"])])

    def race(number):
        lake, added = Lake(far.root, storage_options=options, home=far.path()), 0
        for place in range(3):

            def new(there, place=place):
                wanted = visits(place, ["ann", "bob", f"own-{number}"])
                return wanted.join(there.scan().collect(), on=["event_date", "visitor"], how="anti")

            written = lake.append(Visits, new)
            added += written.rows if written else 0
        return added

    with ThreadPoolExecutor(3) as pool:
        added = list(pool.map(race, range(3)))
    rows = far.scan(Visits).collect()
    assert rows.height == rows.select("event_date", "visitor").n_unique() == 15
    assert sum(added) == 14


def test_a_bucket_that_is_not_there_is_told_in_one_plain_line(options, tmp_path):
    lake = Lake("s3://nobody/lake", storage_options=options, home=tmp_path)
    with pytest.raises(LakeError, match="bucket") as raised:
        lake.scan(tables.Events).collect()
    assert str(raised.value).isprintable()
    assert "s3://nobody/lake/bronze/events" in str(raised.value)


def test_the_command_line_works_there_with_a_home_for_the_rest(options, tmp_path):
    where = {"KAIZEN_LAKE": f"s3://{BUCKET}/by-commands", **options}
    (tmp_path / "one.ndjson").write_text(
        '{"id": "1", "type": "LEAD_CREATED", "occurred_at": "2026-03-01T00:00:00Z", "payload": {"lead_id": "a"}}\n'
    )
    homeless = kaizen("init", code=1, **where)
    assert "has no local folder" in homeless.stderr
    assert "KAIZEN_HOME=FOLDER" in homeless.stderr
    where |= {"KAIZEN_HOME": str(tmp_path / "home")}
    kaizen("init", **where)
    kaizen("land", tmp_path / "one.ndjson", **where)
    (row,) = json.loads(kaizen("show", "events", "--format", "json", **where).stdout)
    assert (row["event_id"], row["event_type"]) == ("1", "LEAD_CREATED")
    assert (tmp_path / "home" / "kaizen.toml").exists()
