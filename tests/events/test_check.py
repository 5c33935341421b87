"""Checking lines: what is taken, what is rejected and by which rules, and that the quick way and the slow one agree."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from events.lines import ANY, AT, NOW, good, line
from kaizenlake import tables
from kaizenlake.events import rules
from kaizenlake.events.check import landed_lines as check
from kaizenlake.events.check.event_columns import COLUMNS, EventColumns
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.check.slow_check import look_again
from kaizenlake.events.envelope import DEEPEST, LineLimits, latest
from kaizenlake.events.rules import RULES


def checked(*lines, **settings):
    return check_lines(lines, range(1, len(lines) + 1), now=NOW, **settings)


def rules_of(*lines, **settings):
    found = checked(*lines, **settings)
    assert found.frame.height == 0
    return [item.rules for item in found.rejected]


def metadata(text: bytes) -> bytes:
    return line().replace(b'"payload"', b'"metadata": ' + text + b', "payload"')


RATE = ("LEAD_CREATED", {"lead_id": "x", "icp_match_score": "HERE"})
COUNT = ("PERFORMANCE_RECORDED", {"content_id": "c", "platform": "x", "clicks": "HERE"})


def put(case, text: bytes) -> bytes:
    return line(*case).replace(b'"HERE"', text)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        pytest.param(b"hello", ("not_json",), id="no JSON"),
        pytest.param(b"", ("not_json",), id="blank"),
        pytest.param(b"[1, 2]", ("not_json",), id="a list"),
        pytest.param(b"12", ("not_json",), id="a number"),
        pytest.param(line() + line(), ("not_json",), id="two objects"),
        pytest.param(line()[:-1] + b",}", ("not_json",), id="a comma too many"),
        pytest.param(line()[:-4], ("torn_line",), id="torn"),
        pytest.param(line(project_id="é", id="é").decode().encode()[:-30], ("torn_line",), id="torn in a string"),
        pytest.param('{"id": "é'.encode()[:-1], ("torn_line",), id="torn in a character"),
        pytest.param(line().replace(b"lead_123", "é".encode("latin-1")), ("encoding",), id="latin-1"),
        pytest.param(line().decode().encode("utf-16"), ("encoding",), id="UTF-16"),
        pytest.param(line().decode().encode("utf-16-le"), ("encoding",), id="UTF-16 without a mark"),
        pytest.param(metadata(b"[" * 100_000 + b"]" * 100_000), ("too_deep",), id="nested bomb"),
        pytest.param(metadata(b'{"a":' * 5000 + b"1" + b"}" * 5000), ("too_deep",), id="bomb of objects"),
        pytest.param(b"[" * 1_000_000, ("too_deep",), id="open bomb"),
        pytest.param(line("LEAD_CREATE"), ("unknown_type",), id="unknown type"),
        pytest.param(line(7), ("wrong_type",), id="type is no text"),
        pytest.param(b"{}", ("missing_field",), id="empty object"),
        pytest.param(line(payload={}), ("missing_field",), id="missing field"),
        pytest.param(line("INTAKE_BLOCKED", {"reason": "r"}, project_id=None), ("missing_project",), id="no project"),
        pytest.param(line(payload={"lead_id": "x", "sourc": "web"}), ("unknown_field",), id="unknown field"),
        pytest.param(line(colour="red"), ("unknown_field",), id="unknown field of the envelope"),
        pytest.param(line(payload={"lead_id": 7}), ("wrong_type",), id="number for a text"),
        pytest.param(line(payload="x"), ("wrong_type",), id="payload is no object"),
        pytest.param(line(tags="x"), ("wrong_type",), id="tags are no list"),
        pytest.param(put(RATE, b'"0.5"'), ("wrong_type",), id="text for a rate"),
        pytest.param(put(RATE, b"true"), ("wrong_type",), id="true for a rate"),
        pytest.param(put(COUNT, b"1.5"), ("wrong_type",), id="half a click"),
        pytest.param(put(RATE, b"1.2"), ("out_of_range",), id="rate above one"),
        pytest.param(put(RATE, b"-0.1"), ("out_of_range",), id="negative rate"),
        pytest.param(put(COUNT, b"-1"), ("out_of_range",), id="negative count"),
        pytest.param(put(COUNT, b"9223372036854775808"), ("out_of_range",), id="beyond int64"),
        pytest.param(put(COUNT, b"18446744073709551617"), ("out_of_range",), id="beyond uint64"),
        pytest.param(put(COUNT, b"9" * 300), ("out_of_range",), id="300 digits"),
        pytest.param(put(COUNT, b"NaN"), ("not_finite",), id="NaN"),
        pytest.param(put(RATE, b"Infinity"), ("not_finite",), id="Infinity"),
        pytest.param(put(RATE, b"-Infinity"), ("not_finite",), id="-Infinity"),
        pytest.param(put(RATE, b"1e999"), ("not_finite",), id="beyond float64"),
        pytest.param(put(COUNT, b"9" * 5000), ("not_finite",), id="5000 digits"),
        pytest.param(metadata(b'{"a": [1, NaN]}'), ("not_finite",), id="NaN in metadata"),
        pytest.param(line(occurred_at="2026-11-19T08:30:00"), ("no_zone",), id="no zone"),
        pytest.param(line(occurred_at="19.11.2026"), ("bad_time",), id="no time"),
        pytest.param(line(occurred_at="2026-02-30T00:00:00Z"), ("bad_time",), id="30 February"),
        pytest.param(line(occurred_at="12026-01-01T00:00:00Z"), ("bad_time",), id="year 12026"),
        pytest.param(line(occurred_at=1_700_000_000), ("wrong_type",), id="time as a number"),
        pytest.param(line(occurred_at="1969-12-31T23:59:59Z"), ("too_old",), id="before 1970"),
        pytest.param(line(occurred_at="0001-01-01T00:00:00+23:59"), ("bad_time",), id="before year 1"),
        pytest.param(line(occurred_at="9999-12-31T23:59:59Z"), ("far_future",), id="year 9999"),
        pytest.param(line(occurred_at="2026-11-21T12:00:01Z"), ("far_future",), id="a second too far"),
        pytest.param(line(payload={"lead_id": "\ud800"}), ("bad_text",), id="half a pair"),
        pytest.param(line(payload={"lead_id": "a\0b"}), ("bad_text",), id="NUL"),
        pytest.param(line(metadata={"\0": 1}), ("bad_text",), id="NUL in a name"),
        pytest.param(line(payload={"lead_id": ""}), ("bad_length",), id="empty id"),
        pytest.param(line(id="x" * 501), ("bad_length",), id="long id"),
        pytest.param(
            line("PERFORMANCE_RECORDED", {"content_id": "c", "platform": "x", "rate_of": "clicks"}),
            ("not_allowed",),
            id="not one of the allowed",
        ),
    ],
)
def test_bad_line_is_rejected_by_its_rules(bad, expected):
    (found,) = rules_of(bad)
    assert found == expected
    assert set(found) <= set(RULES)


def test_a_line_of_50_megabytes_is_rejected_at_once_and_kept_short():
    bad = b'{"id": "' + b"x" * 50_000_000 + b'"}'
    began = time.process_time()
    found = checked(bad, line()).rejected
    assert [item.rules for item in found] == [("too_long",)]
    assert len(found[0].raw) == 1_048_576
    assert time.process_time() - began < 2


def test_all_rules_are_named_at_once():
    payload = {"platform": 7, "clicks": -1, "impresions": 5, "engagement_rate": 2}
    bad = line("PERFORMANCE_RECORDED", payload, occurred_at="2026-11-19T08:30:00", id=None)
    (found,) = checked(bad).rejected
    assert set(found.rules) == {"missing_field", "no_zone", "wrong_type", "out_of_range", "unknown_field"}
    assert len(found.reasons) == 7
    assert "`impresions` is no field of PERFORMANCE_RECORDED (did you mean `impressions`?)" in found.reasons
    assert found.event_type == "PERFORMANCE_RECORDED"


def test_raw_text_keeps_what_was_sent():
    (found,) = checked(b"caf\xe9\x00").rejected
    assert found.raw == "caf\\xe9\\x00"


GOOD = {
    "as it is": line(),
    "BOM": b"\xef\xbb\xbf" + line(),
    "CRLF": line() + b"\r",
    "spaces": b"  " + line() + b" ",
    "other order of keys": json.dumps(dict(reversed(json.loads(line()).items()))).encode(),
    "explicit null": line(payload={"lead_id": "lead_123", "source": None}),
    "other zone": line(occurred_at="2026-11-19T10:30:00.123456+02:00"),
    "escaped": line().replace(b"lead_123", b"lead\\u005f123"),
    "no tags": line(tags=[]),
    "no metadata": line(metadata={}),
    "key given twice": line().replace(b'"project_id"', b'"project_id": "q", "project_id"'),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_ways_to_spell_one_event_have_one_hash(text):
    reference = checked(line()).frame.drop("line")
    assert_frame_equal(checked(text).frame.drop("line"), reference)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (put(COUNT, b"5000"), put(COUNT, b"5000.0")),
        (put(COUNT, b"5000"), put(COUNT, b"5e3")),
        (put(RATE, b"1"), put(RATE, b"1.0")),
        (put(RATE, b"0.25"), put(RATE, b"25e-2")),
        (metadata(b'{"a": 1, "b": [2]}'), metadata(b'{"b": [2.0], "a": 1e0}')),
        (
            line("APPOINTMENT_SCHEDULED", {"lead_id": "x", "scheduled_for": "2026-12-01T10:00:00Z"}),
            line("APPOINTMENT_SCHEDULED", {"lead_id": "x", "scheduled_for": "2026-12-01T11:00:00+01:00"}),
        ),
    ],
)
def test_ways_to_spell_one_number_have_one_hash(left, right):
    hashes = checked(left, right).frame["payload_hash"]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    "other",
    [
        line(payload={"lead_id": "lead_124"}),
        line(project_id="q"),
        line(tenant_id="t"),
        line(tags=["t"]),
        line(metadata={"a": 1}),
        line(occurred_at="2026-11-19T08:30:00.123457Z"),
        line("LEAD_QUALIFIED"),
    ],
)
def test_events_that_differ_have_other_hashes(other):
    hashes = checked(line(), other).frame["payload_hash"]
    assert hashes[0] != hashes[1]


def test_hash_is_the_same_in_every_version():
    """Events in a lake are compared with those that a later version lands: the hash must never change."""
    payload = {"lead_id": "lead_123", "icp_match_score": 1, "source": "website"}
    frame = checked(line(payload=payload, tags=["b", "a"], metadata={"k": [1.0, "é"], "a": None})).frame
    assert frame["payload"].item() == '{"icp_match_score":1.0,"lead_id":"lead_123","source":"website"}'
    assert frame["metadata"].item() == '{"a":null,"k":[1,"é"]}'
    assert frame["payload_hash"].item() == "ed9bb6e5109b101cb3a8bc5afda20b19d5bc9e9c291ce22c9ca8eb3899eea36b"


def test_id_file_and_source_are_not_hashed():
    hashes = checked(line(), line(id="e-2", source="crm")).frame["payload_hash"]
    assert hashes[0] == hashes[1]


def test_frame_is_that_of_bronze():
    found = checked(
        line(), line(id="e-2", source="crm", tags=["a"], metadata={"k": 1}), limits=LineLimits(source="app")
    ).frame
    assert found.schema == COLUMNS
    whole = found.with_columns(
        pl.lit("f").alias("file"),
        pl.lit(NOW).cast(pl.Datetime("us", "UTC")).alias("landed_at"),
        pl.lit(None, pl.Int64).alias("batch"),
        pl.lit(None, pl.String).alias("seal"),
    ).select(tables.schema(tables.Events).names())
    tables.check(tables.Events, whole)
    assert found.rows(named=True)[1] == {
        "event_id": "e-2",
        "event_type": "LEAD_CREATED",
        "event_date": datetime.fromisoformat(AT).date(),
        "occurred_at": datetime.fromisoformat(AT),
        "project_id": "p",
        "tenant_id": None,
        "tags": ["a"],
        "payload": '{"lead_id":"lead_123"}',
        "metadata": '{"k":1}',
        "payload_hash": found["payload_hash"][1],
        "source": "crm",
        "line": 2,
    }
    assert found["source"][0] == "app"


def test_no_line_is_an_empty_frame():
    found = checked()
    assert found.frame.schema == COLUMNS
    assert found.frame.height == 0
    assert found.rejected == []


def test_settings_of_the_landing_are_kept():
    ahead = line(occurred_at=(NOW + timedelta(hours=30)).isoformat())
    assert checked(ahead).rejected[0].rules == ("far_future",)
    assert checked(ahead, limits=LineLimits(48)).frame.height == 1
    assert checked(ahead, limits=LineLimits(10**12)).frame.height == 1
    assert rules_of(line(), limits=LineLimits(line_bytes=50)) == [("too_long",)]


def test_deepest_metadata_that_is_taken():
    # The envelope is the first level, the metadata the second.
    deep = DEEPEST - 2
    assert checked(metadata(b'{"a":' + b"[" * deep + b"]" * deep + b"}")).frame.height == 1
    deep += 1
    assert rules_of(metadata(b'{"a":' + b"[" * deep + b"]" * deep + b"}")) == [("too_deep",)]


CLOUD = {
    "specversion": "1.0",
    "id": "42",
    "source": "/crm/eu",
    "type": "io.kaizenlake.LEAD_CREATED",
    "time": AT,
    "data": {"lead_id": "lead_123"},
    "projectid": "p",
}


def cloud(**said):
    return json.dumps({key: value for key, value in (CLOUD | said).items() if value is not None}).encode()


def test_cloud_event_is_the_event_it_carries():
    found = checked(cloud(), line()).frame
    assert found["event_id"].to_list() == ["/crm/eu#42", "e-1"]
    assert found["source"].to_list() == ["/crm/eu", "application"]
    assert found["payload_hash"][0] == found["payload_hash"][1]


@pytest.mark.parametrize(
    ("said", "column", "expected"),
    [
        ({"id": "01A1FBF8-2122-74b1-b0f5-267d0ed9ab96"}, "event_id", "01A1FBF8-2122-74b1-b0f5-267d0ed9ab96"),
        ({"type": "LEAD_CREATED"}, "event_type", "LEAD_CREATED"),
        ({"type": "com.acme.crm.LEAD_CREATED"}, "event_type", "LEAD_CREATED"),
        ({"tags": "a, b"}, "tags", ["a", "b"]),
        ({"tags": ["a"]}, "tags", ["a"]),
        ({"tenantid": "t"}, "tenant_id", "t"),
        ({"subject": "s", "traceparent": "00-1"}, "metadata", '{"subject":"s","traceparent":"00-1"}'),
        ({"datacontenttype": "application/json; charset=utf-8"}, "event_id", "/crm/eu#42"),
        ({"datacontenttype": "application/vnd.acme+json"}, "event_id", "/crm/eu#42"),
    ],
)
def test_attributes_of_a_cloud_event(said, column, expected):
    assert checked(cloud(**said)).frame[column].to_list() == [expected]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"specversion": "0.3"}, ("not_allowed",)),
        ({"time": None}, ("missing_field",)),
        ({"source": None}, ("missing_field",)),
        ({"id": None}, ("missing_field",)),
        ({"data": None}, ("missing_field",)),
        ({"data": "text"}, ("wrong_type",)),
        ({"data": None, "data_base64": "e30="}, ("unknown_field", "missing_field")),
        ({"datacontenttype": "text/xml"}, ("not_allowed",)),
        ({"type": "com.acme.OTHER"}, ("unknown_type",)),
        ({"time": "2026-11-19T08:30:00"}, ("no_zone",)),
        ({"projectid": 7}, ("wrong_type",)),
    ],
)
def test_bad_cloud_event_is_rejected_by_its_rules(said, expected):
    assert rules_of(cloud(**said)) == [expected]


def slowly(lines):
    """The same as `check_lines`, every line by the slow way."""
    rows = EventColumns(latest(NOW, 24), decisions=False)
    again = [look_again(text, number, rows, now=NOW, limits=LineLimits()) for number, text in enumerate(lines, 1)]
    return rows.frame("application"), [item for item in again if item is not None]


@st.composite
def any_line(draw):
    """A good line, a good line in which something was changed, or one whose bytes were."""
    document = draw(good())
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from([document, document["payload"]]))
        if isinstance(place, dict):
            name = draw(st.sampled_from([*place, "foreign"]))
            place[name] = draw(ANY)
            if not isinstance(document.get("payload"), dict):
                break
    text = json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.booleans()):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.binary(max_size=3)) + text[place + draw(st.integers(0, 3)) :]
    return text.replace(b"\n", b"")


@given(st.lists(any_line(), max_size=4))
def test_quick_way_and_slow_way_agree(lines):
    found = checked(*lines)
    frame, rejected = slowly(lines)
    assert_frame_equal(found.frame, frame)
    assert found.rejected == rejected
    assert found.frame.height + len(found.rejected) == len(lines)


@given(st.lists(any_line(), max_size=12), st.lists(st.integers(0, 11), max_size=40), st.integers(1, 9))
def test_lines_fare_alike_however_many_are_looked_at_together(drawn, places, run_lines):
    lines = [drawn[place] for place in places if place < len(drawn)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "RUN_LINES", run_lines)
        found = checked(*lines)
    frame, rejected = slowly(lines)
    assert_frame_equal(found.frame, frame)
    assert found.rejected == rejected


def test_lines_of_every_kind_in_long_runs_fare_as_alone():
    far, cloudy = line(occurred_at="2027-11-19T08:30:00Z"), cloud()
    nul, deep = metadata(b'"\\u0000"'), metadata(b'{"a":' + b"[" * 80 + b"]" * 80 + b"}")
    escaped = line(payload={"lead_id": r"a\u0000b"})
    meeting = line("APPOINTMENT_SCHEDULED", {"lead_id": "x", "scheduled_for": "0001-01-01T00:00:00+23:00"})
    kinds = [*GOOD.values(), far, cloudy, nul, deep, escaped, meeting, b"poison", metadata(b"1" * 400), b""]
    lines = [line()] * 3000
    for place in range(0, 3000, 7):
        lines[place] = kinds[place // 7 % len(kinds)]
    found = checked(*lines)
    frame, rejected = slowly(lines)
    assert_frame_equal(found.frame, frame)
    assert found.rejected == rejected
    assert found.frame.height + len(rejected) == 3000
    assert found.frame.height > 2500


@given(st.lists(good(), max_size=5))
def test_every_good_event_is_taken(documents):
    found = checked(*(json.dumps(document).encode() for document in documents))
    faulty = [any(rules.value_problems(document)) for document in documents]
    assert [item.line - 1 for item in found.rejected] == [place for place, bad in enumerate(faulty) if bad]


@given(st.lists(any_line(), max_size=5), st.randoms(use_true_random=False))
def test_order_and_company_of_lines_change_nothing(lines, shuffle: random.Random):
    numbers = list(range(1, len(lines) + 1))
    whole = check_lines(lines, numbers, now=NOW)
    pairs = list(zip(lines, numbers, strict=True))
    shuffle.shuffle(pairs)
    apart = [check_lines([text], [number], now=NOW) for text, number in pairs]
    frames = pl.concat([item.frame for item in apart]).sort("line") if apart else whole.frame
    assert_frame_equal(frames, whole.frame)
    assert sorted((item for part in apart for item in part.rejected), key=lambda item: item.line) == whole.rejected


def test_rules_are_sentences():
    assert all(words.endswith(".") and words[0].isupper() for words in RULES.values())


def test_clock_may_be_of_any_zone():
    assert check_lines([line()], [1], now=datetime.now(UTC).astimezone()).frame.height == 1
