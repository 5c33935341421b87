"""Young and old are compared at one age: what succeeded early does not stand out because its failures are not known yet."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.drawn import day, events, frame, through
from kaizenlake.jobs.content.creative_wins import creative_wins
from kaizenlake.jobs.outcomes.outcome_counts import outcome_counts
from kaizenlake.jobs.outcomes.outcome_subjects import outcome_subjects
from kaizenlake.jobs.outcomes.outcomes import outcomes
from kaizenlake.jobs.outcomes.scoped_win_rates import scoped_win_rates
from kaizenlake.jobs.outcomes.win_rates import win_rates
from kaizenlake.parameters import EvidenceNeeds, Windows
from kaizenlake.publish.context.judgement import of_win_rate
from kaizenlake.tables import Acquisition, Contents, Packs

JOBS = (outcome_subjects, creative_wins, outcomes, outcome_counts, win_rates)


def rates(as_of, *then, kind="outreach", dimension="channel", **given_frames):
    tables_of = {"acquisition": Acquisition, "packs": Packs, "contents": Contents}
    figures = {name: given_frames.pop(name) for name in ("windows", "evidence") if name in given_frames}
    given = {tables_of[name]: rows for name, rows in given_frames.items()}
    made = through(*JOBS, *then, given=given, as_of=as_of, **figures)
    return {row["value"]: row for row in made.filter(kind=kind, dimension=dimension).to_dicts()}


def messages(channel, number, replies, sent_at, *, reply_after=1.0, **columns):
    """Messages of a channel that were sent at once, of which some were replied to."""
    sent = [{"event_type": "OUTREACH_SENT", "lead_id": f"{channel}{n}", "occurred_at": sent_at} for n in range(number)]
    replied = [
        {"event_type": "OUTREACH_REPLIED", "lead_id": f"{channel}{n}", "occurred_at": sent_at + timedelta(reply_after)}
        for n in range(replies)
    ]
    rows = [
        row | {"event_id": f"{channel}-{sent_at:%j}-{n}", "event_date": row["occurred_at"].date()}
        for n, row in enumerate(sent + replied)
    ]
    return frame(Acquisition, rows, channel=channel, **columns)


def test_what_is_five_days_old_is_pending_beside_what_is_thirty_days_old():
    now = day(100)
    drawn = pl.concat([messages("email", 100, 10, day(70)), messages("chat", 100, 10, day(95))])
    found = rates(now, acquisition=drawn)

    assert (found["email"]["age_days"], found["email"]["win_rate"], found["email"]["lift"]) == (14, 0.1, None)
    chat = found["chat"]
    assert (chat["status"], chat["wins"], chat["decided"], chat["pending"]) == ("pending", 0, 0, 100)
    assert (chat["win_rate"], chat["shrunk_rate"], chat["lift"], chat["q_value"]) == (None, None, None, None)


# Days since the two channels were sent; age at which they are compared.
AGES = [(30, 30, 14), (30, 15, 14), (30, 14.5, 14), (30, 14, 7), (30, 7.5, 7), (30, 7, 14), (6, 5, None)]


@pytest.mark.parametrize(("old", "young", "age"), AGES)
def test_the_age_is_the_largest_that_two_values_have_reached(old, young, age):
    drawn = pl.concat([messages("email", 20, 4, day(100 - old)), messages("chat", 20, 4, day(100 - young))])
    found = rates(day(100), acquisition=drawn)

    assert found["email"]["age_days"] == age
    assert (found["chat"]["status"] == "rated") == (age is not None and young > age)
    assert {row["win_rate"] for row in found.values()} <= {0.2, None}


def test_a_reply_after_the_age_does_not_count_at_it():
    old = messages("email", 20, 8, day(60), reply_after=10)
    found = rates(day(100), acquisition=pl.concat([old, messages("chat", 20, 0, day(90))]))

    assert (found["email"]["age_days"], found["email"]["win_rate"]) == (7, 0.0)
    assert rates(day(100), acquisition=old)["email"]["win_rate"] == 0.4


def test_few_of_a_value_that_waits_for_many_make_no_rate_and_few_that_are_all_do():
    few = messages("chat", 3, 3, day(50))
    drawn = [messages("email", 20, 4, day(50)), few]

    assert rates(day(100), acquisition=pl.concat(drawn))["chat"]["win_rate"] == 1.0
    chat = rates(day(100), acquisition=pl.concat([*drawn, messages("chat", 97, 0, day(98))]))["chat"]
    assert (chat["status"], chat["decided"], chat["pending"], chat["win_rate"]) == ("pending", 3, 97, None)


def test_how_many_are_enough_is_a_setting():
    drawn = pl.concat([messages("email", 8, 1, day(50)), messages("chat", 5, 1, day(90))])

    assert rates(day(100), acquisition=drawn, evidence=EvidenceNeeds(matured=5))["email"]["age_days"] == 7
    assert rates(day(100), acquisition=drawn, evidence=EvidenceNeeds(matured=6))["email"]["age_days"] == 14


def test_where_no_value_has_enough_the_second_largest_says_how_many_are():
    drawn = [messages("email", 5, 1, day(50)), messages("chat", 4, 1, day(60)), messages("web", 1, 1, day(90))]
    found = rates(day(100), acquisition=pl.concat(drawn))

    assert {value: (row["age_days"], row["status"]) for value, row in found.items()} == {
        "email": (14, "rated"),
        "chat": (14, "rated"),
        "web": (14, "pending"),
    }


@pytest.mark.parametrize(("reply_days", "age"), [(3, 3), (7, 7), (13, 7), (30, 30), (3660, 90)])
def test_no_age_is_beyond_the_window_of_its_kind(reply_days, age):
    drawn = messages("email", 20, 4, day(0))

    assert rates(day(100), acquisition=drawn, windows=Windows(reply_days=reply_days))["email"]["age_days"] == age


def test_a_scope_takes_the_age_of_the_whole():
    old = messages("email", 40, 8, day(50), project_id="p")
    young = messages("email", 40, 8, day(95), project_id="q")
    made = rates(day(100), scoped_win_rates, acquisition=pl.concat([old, young]), dimension="all")

    assert made["all"]["age_days"] == 14


def test_a_pack_counts_from_its_start_where_all_are_young_and_at_a_week_where_they_are_not():
    def packs(key, number, completed, at):
        rows = [f"{at} PACK_STARTED pack_run_id={key}{n}" for n in range(number)]
        rows += [f"{at}.1 PACK_COMPLETED pack_run_id={key}{n}" for n in range(completed)]
        drawn = events(Packs, "\n".join(rows), pack_key=key)
        return drawn.with_columns(event_id=pl.lit(key) + pl.col("event_id"))

    young = pl.concat([packs("a", 20, 5, 98), packs("b", 20, 15, 99)])
    found = rates(day(100), kind="pack", dimension="pack_key", packs=young)
    assert {key: (row["age_days"], row["win_rate"]) for key, row in found.items()} == {"a": (0, 0.25), "b": (0, 0.75)}
    mixed = pl.concat([packs("a", 20, 5, 70), packs("b", 20, 15, 71), packs("c", 20, 20, 99)])
    found = rates(day(100), kind="pack", dimension="pack_key", packs=mixed)
    assert {key: (row["age_days"], row["win_rate"]) for key, row in found.items()} == {
        "a": (7, 0.25),
        "b": (7, 0.75),
        "c": (7, None),
    }


def test_packs_that_take_days_are_not_rated_at_their_start_beside_young_ones():
    def packs(key, at):
        rows = [f"{at} PACK_STARTED pack_run_id={key}{n}" for n in range(20)]
        rows += [f"{at + 2} PACK_COMPLETED pack_run_id={key}{n}" for n in range(15)]
        return events(Packs, "\n".join(rows), pack_key=key).with_columns(event_id=pl.lit(key) + pl.col("event_id"))

    found = rates(day(100), kind="pack", dimension="pack_key", packs=pl.concat([packs("old", 70), packs("new", 99)]))

    assert (found["old"]["age_days"], found["old"]["win_rate"]) == (7, 0.75)
    assert (found["new"]["status"], found["new"]["pending"], found["new"]["win_rate"]) == ("pending", 20, None)


@settings(max_examples=30, deadline=None)
@given(
    replies=st.lists(st.sampled_from([None, 0.5, 3.0, 6.9, 7.0, 9.0, 13.9, 14.0, 20.0]), min_size=10, max_size=30),
    ages=st.tuples(st.floats(0.01, 60), st.floats(0.01, 60)),
)
def test_a_new_value_of_which_the_same_becomes_has_the_same_rate_at_every_age(replies, ages):
    """Two channels on which just the same happens, the one later than the other: never is one better."""
    drawn = []
    for channel, age in zip(("old", "new"), ages, strict=True):
        sent_at = day(100) - timedelta(days=age)
        came = [(n, timedelta(days=after)) for n, after in enumerate(replies) if after is not None]
        rows = [_message(channel, n, sent_at) for n in range(len(replies))]
        rows += [_message(channel, n, sent_at + after, "OUTREACH_REPLIED") for n, after in came]
        drawn.append(frame(Acquisition, rows, channel=channel))
    found = rates(day(100), acquisition=pl.concat(drawn))

    assert len({row["win_rate"] for row in found.values()} - {None}) <= 1
    assert all(row["lift"] in {None, 0.0} for row in found.values())


def test_the_expected_rate_of_a_new_value_is_that_of_an_old_one_on_every_night():
    """Of one true rate (reply after about a week), a channel that started 40 days later; on nights of every age."""
    rng = np.random.default_rng(5)
    sums = {"old": [], "new": []}
    for night in (45, 48, 52, 57, 63, 80):
        for channel, first in (("old", 0), ("new", 40)):
            starts = rng.uniform(first, night, 1500)
            waits = np.where(rng.random(1500) < 0.4, rng.exponential(6.0, 1500), np.inf)
            known = (waits < np.inf) & (starts + waits < night)
            rows = [_message(channel, n, day(float(at))) for n, at in enumerate(starts)]
            rows += [
                _message(channel, n, day(float(starts[n] + waits[n])), "OUTREACH_REPLIED")
                for n in np.flatnonzero(known).tolist()
            ]
            sums[channel].append(frame(Acquisition, rows, channel=channel))
        found = rates(day(night), acquisition=pl.concat([sums["old"].pop(), sums["new"].pop()]))
        if found["new"]["status"] == "pending":
            assert night <= 47
            continue
        truth = 0.4 * (1 - np.exp(-found["old"]["age_days"] / 6.0))
        for row in found.values():
            assert abs(row["win_rate"] - truth) < 4 * np.sqrt(truth * (1 - truth) / row["decided"])
        assert found["new"]["q_value"] > 0.001


def _message(channel, number, at, event_type="OUTREACH_SENT"):
    return {
        "event_type": event_type,
        "event_id": f"{channel}{number}{event_type}",
        "lead_id": f"{channel}{number}",
        "occurred_at": at,
        "event_date": at.date(),
    }


def posts(number, trials, rate, rng, name, platform="instagram", **columns):
    """Contents of one true engagement rate."""
    rows = [{"content_id": f"{name}{n}", "engagement_rate": rng.binomial(trials, rate) / trials} for n in range(number)]
    same = {
        "platform": platform,
        "trials": trials,
        "hook_type": name,
        "occurred_at": day(1),
        "event_date": day(1).date(),
    }
    return frame(Contents, rows, **(same | columns))


def test_a_week_old_pack_and_a_new_one_of_the_same_course_have_the_same_rate_at_every_age():
    """The law of messages for packs and leads too, and for those that are told by their end alone."""
    for kind, table, begin, won, lost, dimension in (
        ("pack", Packs, "PACK_STARTED", "PACK_COMPLETED", "PACK_FAILED", "pack_key"),
        ("pack", Packs, None, "PACK_COMPLETED", "PACK_FAILED", "pack_key"),
        ("deal", Acquisition, "LEAD_CREATED", "DEAL_WON", "LEAD_LOST", "source"),
        ("deal", Acquisition, None, "DEAL_WON", "LEAD_LOST", "source"),
    ):
        key = "pack_run_id" if kind == "pack" else "lead_id"
        for young in (0.5, 3, 6.9, 7.1, 13, 20, 40, 200):
            drawn = []
            for value, age in (("old", 250.0), ("new", young)):
                started, rows = 300 - age, []
                for number in range(30):
                    told = [(0.0, begin)] if begin else []
                    told += [(0.2 * (number % 4) * 10 if begin else 0.0, won if number % 3 else lost)]
                    rows += [(started + after, word, f"{value}{number}") for after, word in told if after < age]
                text = "\n".join(f"{at} {word} {key}={name} {dimension}={value}" for at, word, name in rows)
                one = events(table, text)
                drawn.append(one.with_columns(event_id=pl.lit(value) + pl.col("event_id")))
            given = {"packs" if kind == "pack" else "acquisition": pl.concat(drawn)}
            found = rates(day(300), kind=kind, dimension=dimension, **given)
            assert len({row["win_rate"] for row in found.values()} - {None}) <= 1, (kind, begin, young)
            assert all(row["lift"] in {None, 0.0} for row in found.values()), (kind, begin, young)
            assert found["old"]["status"] == "rated"


@pytest.mark.parametrize("few", [10, 99, 120, 400])
@pytest.mark.parametrize("rate", [0.03, 0.04, 0.045])
def test_posts_with_few_impressions_do_not_beat_posts_with_many_at_one_true_rate(few, rate):
    rng = np.random.default_rng(8)
    drawn = pl.concat([posts(60, few, rate, rng, "question"), posts(60, 10_000, rate, rng, "list")])
    found = rates(day(9), kind="creative", dimension="hook_type", contents=drawn)

    assert found["list"]["decided"] == 60
    assert found["question"]["lift"] is None
    assert of_win_rate(
        found["question"] | {"win_rate": found["question"]["win_rate"] or 0.0}, "t", EvidenceNeeds()
    ).verdict == ("unclear")
    assert (found["question"]["status"] == "pending") == (few < 100)


def test_a_simpson_table_ranks_as_its_strata_do():
    stones = {
        ("a", "small"): (81, 87),
        ("a", "large"): (192, 263),
        ("b", "small"): (234, 270),
        ("b", "large"): (55, 80),
    }
    drawn = pl.concat(
        messages(channel, n, wins, day(1), project_id=project).with_columns(
            event_id=pl.lit(project) + pl.col("event_id"), lead_id=pl.lit(project) + pl.col("lead_id")
        )
        for (channel, project), (wins, n) in stones.items()
    )
    found = rates(day(100), acquisition=drawn)
    a, b = found["a"], found["b"]

    assert a["win_rate"] < b["win_rate"], "the raw rates stay beside"
    assert a["adjusted_rate"] > b["adjusted_rate"]
    assert a["shrunk_rate"] > b["shrunk_rate"]
    assert a["lift"] > 0 > b["lift"]
    assert (a["strata"], b["strata"]) == (2, 2)


def test_a_value_that_shares_no_stratum_keeps_its_raw_rate():
    drawn = [messages("email", 20, 10, day(1), project_id="p"), messages("chat", 20, 2, day(1), project_id="q")]
    found = rates(day(100), acquisition=pl.concat(drawn))

    assert {value: (row["adjusted_rate"], row["strata"], row["lift"]) for value, row in found.items()} == {
        "email": (0.5, 0, None),
        "chat": (0.1, 0, None),
    }


def test_platforms_are_rated_but_not_compared():
    rng = np.random.default_rng(3)
    drawn = pl.concat(
        [posts(60, 1000, 0.01, rng, "list", "tiktok"), posts(60, 1000, 0.2, rng, "list", "instagram")]
    ).with_columns(content_id=pl.col("platform") + pl.col("content_id"))
    found = rates(day(9), kind="creative", dimension="platform", contents=drawn)

    assert [found[name]["win_rate"] for name in ("instagram", "tiktok")] == [1.0, 0.0]
    assert {(row["lift"], row["p_value"], row["strata"]) for row in found.values()} == {(None, None, 0)}
