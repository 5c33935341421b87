"""Laws of the night: how and when events arrived changes no figure, and neither do events that come after as_of."""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kaizenlake import tables
from kaizenlake.events.catalogue import by_name
from kaizenlake.events.write.log import Line
from kaizenlake.lake.landing.landing import land, land_folder
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.night.run import nightly
from kaizenlake.testing import AS_OF, START, sample_events

COUNT = 200
SEEDS = (26, 6)
"""Seeds whose events fill every table, and in which no version serves, since none of them is signed."""

PHASES = (Phase.explicit, Phase.generate)
"""An example takes seconds, so a failing one is shown as it was drawn."""


@pytest.fixture(autouse=True, scope="module")
def _without_proposals():
    """What a night proposes is a decision of its own time, and no figure of the events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAIZEN_FEEDBACK__NIGHTLY", "false")
        yield


@cache
def sample(seed):
    """Events of all families and several projects: their lines, and when each happened."""
    rows = sample_events(COUNT, seed=seed).iter_rows(named=True)
    return tuple((row["occurred_at"], line(row)) for row in rows)


def line(row):
    envelope = {
        "id": row["event_id"],
        "type": row["event_type"],
        "occurred_at": row["occurred_at"].isoformat(),
        "source": row["source"],
        "payload": json.loads(row["payload"]),
    }
    return json.dumps(envelope | ({"project_id": row["project_id"]} if row["project_id"] else {})).encode()


def night(lake, as_of=AS_OF):
    done = nightly(lake, as_of=as_of)
    assert done.exit_code == 0, done.errors
    return done


def drop(lake, name, lines):
    """Put lines where the next landing takes them; decisions do not land, so a command appends them."""
    logged = [line for line in lines if not is_decision(line)]
    lake.path("landing", f"{name}.ndjson").write_bytes(b"".join(line + b"\n" for line in logged))
    decided = [Line(json.loads(line)["id"], line) for line in lines if is_decision(line)]
    decisions.append(lake, lambda _: list({item.event_id: item for item in decided}.values()), source="command")


def is_decision(line):
    kind = by_name(json.loads(line)["type"])
    assert kind is not None
    return kind.family.is_decision


def figures(lake, layers=("gold",)):
    """Every row of every table of some layers; bronze without what tells how and when a line was landed."""
    found = {}
    for table in tables.TABLES:
        if tables.layer(table) in layers:
            frame = lake.scan(table).drop("landed_at", "file", "line", "batch", "seal", strict=False).collect()
            found[tables.full_name(table)] = sorted(map(repr, frame.iter_rows()))
    return found


def published(lake):
    """Return the names of all published documents, which follow from their content."""
    index = json.loads(lake.path("published", "latest.json").read_bytes())["signed"]
    return sorted((entry["sha256"], entry["evidence"]["sha256"]) for entry in index["entries"])


@cache
def undisturbed(seed):
    """What one file of these events, landed once, makes in one night."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(folder)
        drop(lake, "all", [line for _, line in sample(seed)])
        night(lake)
        return figures(lake, ("bronze", "silver", "gold")), published(lake)


NOT_OF_THE_EVENTS = {"bronze.landings", "bronze.quarantine"}


@pytest.mark.slow
@settings(max_examples=1, phases=PHASES)
@given(data=st.data())
def test_order_batching_and_repetition_of_landing_change_no_figure(data):
    seed = data.draw(st.sampled_from(SEEDS), label="seed")
    lines = [line for _, line in sample(seed)]
    order = data.draw(st.permutations(range(COUNT)), label="order")
    again = data.draw(st.lists(st.integers(0, COUNT - 1), max_size=40), label="repeated")
    places = [*order, *again]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(places)), min_size=1, max_size=3), label="cuts"))
    files = [places[start:end] for start, end in pairwise([0, *cuts, len(places)])]
    # After each file a night or none, for the last day or another; and some files are landed once more.
    nights = [data.draw(st.sampled_from((None, None, 0, -2, 3)), label="night") for _ in files]
    twice = data.draw(st.lists(st.integers(0, len(files) - 1), max_size=2), label="landed twice")
    expected, documents = undisturbed(seed)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(folder)
        for number, (file, days) in enumerate(zip(files, nights, strict=True)):
            drop(lake, f"part{number}", [lines[place] for place in file])
            if days is not None:
                night(lake, AS_OF + timedelta(days=days))
        for number in twice:
            drop(lake, f"once_more{number}", [lines[place] for place in files[number]])
        night(lake)
        found = figures(lake, ("bronze", "silver", "gold"))
        differing = [name for name in expected if found[name] != expected[name]]
        assert set(differing) <= NOT_OF_THE_EVENTS
        assert published(lake) == documents
        tallies = lake.scan(tables.Landings).sum().collect()
        assert tallies["landed"].item() == COUNT - sum(map(is_decision, lines))
        assert lake.rows(tables.Events) == COUNT


def test_the_events_of_these_laws_fill_every_gold_table():
    """A law about empty tables would hold of anything."""
    filled = {}
    for seed in SEEDS:
        rows, _ = undisturbed(seed)
        filled |= {name: len(held) + filled.get(name, 0) for name, held in rows.items()}
    # A command acknowledges, what is pooled takes five tenants, and a text model dozens of experiments,
    # and a sequence of tools many runs of one task.
    elsewhere = {
        *("bronze.quarantine", "bronze.acknowledgements"),
        *("gold.pooled_patterns", "gold.icp_calibration", "gold.text_effects", "gold.anomalies"),
        "gold.behaviour_patterns",
    }
    assert {name for name, count in filled.items() if not count} <= elsewhere
    assert len({json.loads(line).get("project_id") for _, line in sample(SEEDS[0])}) > 2
    assert {json.loads(line)["type"] for seed in SEEDS for _, line in sample(seed)} > {
        "RUN_COMPLETED",
        "DEAL_WON",
    }


def test_a_conflict_leaves_the_figures_of_the_first_event(tmp_path):
    """An id that comes again with another payload goes to quarantine, and changes no figure."""
    lake = Lake.create(tmp_path)
    lines = [line for _, line in sample(SEEDS[0])]
    drop(lake, "all", lines)
    night(lake)
    logged = [line for line in lines if not is_decision(line)]
    another_time = (START + timedelta(microseconds=1)).isoformat()
    liars = [json.dumps(json.loads(line) | {"occurred_at": another_time, "source": "liar"}) for line in logged[:20]]
    drop(lake, "conflicts", [liar.encode() for liar in liars])
    done = nightly(lake, as_of=AS_OF)
    assert (done.exit_code, done.errors) == (8, []), "all of the night was quarantined"
    assert done.landing is not None
    assert (done.landing.quarantined, done.landing.by_rule) == (20, {"conflict": 20})
    assert figures(lake) == {name: rows for name, rows in undisturbed(SEEDS[0])[0].items() if name.startswith("gold.")}
    assert published(lake) == undisturbed(SEEDS[0])[1]


@pytest.mark.slow
@settings(max_examples=1, phases=PHASES)
@given(
    seed=st.sampled_from(SEEDS),
    place=st.integers(COUNT // 5, COUNT * 4 // 5),
)
def test_events_after_as_of_change_no_figure(seed, place):
    """Neither when they are landed, nor after nights that counted them; an event at as_of itself comes after it."""
    as_of = sorted(at for at, _ in sample(seed))[place]
    before = [line for at, line in sample(seed) if at < as_of]
    later = [line for at, line in sample(seed) if at >= as_of]
    assert before
    assert later
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(folder)
        drop(lake, "before", before)
        night(lake, as_of)
        expected, documents = figures(lake, ("silver", "gold")), published(lake)
        drop(lake, "later", later)
        night(lake, as_of)
        assert figures(lake, ("silver", "gold")) == expected
        assert published(lake) == documents
        # as_of moves on, and back.
        night(lake, AS_OF)
        assert figures(lake, ("silver", "gold")) != expected
        assert figures(lake, ("silver", "gold")) == {
            name: rows for name, rows in undisturbed(seed)[0].items() if not name.startswith("bronze.")
        }
        night(lake, as_of)
        assert figures(lake, ("silver", "gold")) == expected
        assert published(lake) == documents


def test_landing_by_hand_and_from_the_folder_is_the_same(tmp_path):
    lines = [line for _, line in sample(SEEDS[0]) if not is_decision(line)]
    by_hand, by_folder = Lake.create(tmp_path / "hand"), Lake.create(tmp_path / "folder")
    file = tmp_path / "export.ndjson"
    file.write_bytes(b"\n".join(lines))
    land(by_hand, file)
    drop(by_folder, "export", lines)
    land_folder(by_folder)
    assert figures(by_hand, ("bronze",))["bronze.events"] == figures(by_folder, ("bronze",))["bronze.events"]
