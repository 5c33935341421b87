import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.drawn import day, events, frame, through
from kaizenlake import tables
from kaizenlake.jobs.content.creative_wins import creative_wins
from kaizenlake.jobs.outcomes.outcome_subjects import outcome_subjects
from kaizenlake.jobs.outcomes.outcomes import DIMENSIONS, outcomes
from kaizenlake.jobs.runs.run_records import run_records
from kaizenlake.parameters import Labels, Windows
from kaizenlake.tables import Acquisition, Contents, Outcomes, Packs, ProjectSegments, Runs

LATER = day(365)


def run(as_of=LATER, windows=None, shuffled=None, labels=None, **given_frames):
    reads = (Packs, Acquisition, Runs, Contents, ProjectSegments)
    frames = {table: given_frames.get(tables.name(table), tables.empty(table)) for table in reads}
    frames[Contents] = frames[Contents].with_columns(event_date=pl.col("occurred_at").dt.date())
    if shuffled is not None:
        frames = {
            table: pl.LazyFrame(item.collect().sample(fraction=1.0, shuffle=True, seed=shuffled))
            for table, item in frames.items()
        }
    figures = {name: group for name, group in (("windows", windows), ("labels", labels)) if group}
    return through(
        run_records, outcome_subjects, creative_wins, outcomes, given=frames, as_of=as_of, engine="streaming", **figures
    )


def in_order(made):
    return made.sort(tables.grain(Outcomes))


def decided(made, kind):
    """Each decided subject once, at the oldest age it has reached: the subject and whether it was won."""
    rows = made.filter(kind=kind, dimension="all", is_latest=True).filter(pl.col("won").is_not_null())
    return sorted(rows.select("subject_id", "won").rows())


def at_age(made, kind, age):
    """Whether each subject was won at an age."""
    return sorted(made.filter(kind=kind, dimension="all", age_days=age).select("subject_id", "won").rows())


def dimensions(made, subject):
    rows = made.filter(pl.col("subject_id") == subject, pl.col("dimension") != "all")
    return dict(rows.select("dimension", "value").iter_rows())


PACKS = {
    "completed": ("0 PACK_STARTED\n1 PACK_COMPLETED", [("r", True)]),
    "known by its completion alone: of how many?": ("1 PACK_COMPLETED", []),
    "known by its verdict alone": ("1 PACK_COMPLETED\n1 PACK_QUALITY_PASSED", []),
    "failed": ("1 PACK_FAILED", [("r", False)]),
    "started only": ("1 PACK_STARTED", [("r", False)]),
    "a section failed": ("1 SECTION_FAILED", [("r", False)]),
    "completed, failed on quality": ("1 PACK_COMPLETED\n2 PACK_QUALITY_FAILED", [("r", False)]),
    "failed on quality, then completed": ("1 PACK_QUALITY_FAILED\n2 PACK_COMPLETED", [("r", False)]),
    "failed on quality, never ended": ("1 PACK_QUALITY_FAILED", [("r", False)]),
    "passed quality, never ended": ("0 PACK_STARTED\n1 PACK_QUALITY_PASSED", [("r", False)]),
    "assessed only": ("1 PACK_QUALITY_ASSESSED quality_score=10", [("r", False)]),
    "completed when its week is over": ("0 PACK_STARTED\n7.01 PACK_COMPLETED", [("r", False)]),
    "completed at its last instant": ("0 PACK_STARTED\n7 PACK_COMPLETED", [("r", True)]),
    "completed and assessed": ("0 PACK_STARTED\n1 PACK_COMPLETED\n2 PACK_QUALITY_ASSESSED", [("r", True)]),
    "mended": ("1 PACK_COMPLETED\n2 PACK_QUALITY_FAILED\n3 PACK_QUALITY_PASSED", [("r", True)]),
    "spoiled": ("1 PACK_COMPLETED\n2 PACK_QUALITY_PASSED\n3 PACK_QUALITY_FAILED", [("r", False)]),
    "passed, but failed": ("1 PACK_QUALITY_PASSED\n2 PACK_FAILED", [("r", False)]),
    "failed, then completed": ("1 PACK_FAILED\n2 PACK_COMPLETED", [("r", True)]),
}


@pytest.mark.parametrize(("story", "expected"), PACKS.values(), ids=PACKS)
def test_a_pack_is_won_if_completed_and_not_failed_on_quality(story, expected):
    drawn = events(Packs, story.replace("quality_score=10", ""), pack_key="quick_social_basic", pack_run_id="r")

    assert decided(run(packs=drawn), "pack") == sorted(expected)


def test_a_start_begins_the_next_production_where_no_run_is_named():
    drawn = events(
        Packs,
        """
        0   PACK_COMPLETED pack_key=a project_id=p
        1   PACK_STARTED   pack_key=a project_id=p
        2   PACK_FAILED    pack_key=a project_id=p
        3   PACK_STARTED   pack_key=a project_id=p
        3.5 PACK_STARTED   pack_key=a project_id=p pack_run_id=named
        4   PACK_COMPLETED pack_key=a project_id=p
        4   PACK_STARTED   pack_key=a project_id=other
        5   PACK_COMPLETED pack_key=a
        6   PACK_STARTED   pack_key=b project_id=p
        7   PACK_FAILED    pack_key=b project_id=p
        8   PACK_FAILED    pack_key=c project_id=p
        """,
    )
    made = run(packs=drawn)

    assert decided(made, "pack") == [
        ("a#0", True),  # of no project
        ("a#0", True),
        ("a#1", False),
        ("a#1", False),  # started in the other project, and never completed
        ("a#2", True),
        ("b#1", False),
        ("c#0", False),  # lost, and known by its end alone: so those that were completed count
        ("named", False),
    ]


def test_packs_told_by_their_completion_alone_count_once_a_failure_is_told_so_too():
    """Of 20 completions no rate can be told; with 5 failures told the same way, it is 20 of 25."""
    completed = "\n".join(f"1 PACK_COMPLETED pack_run_id=c{n}" for n in range(20))
    failed = "\n".join(f"1 PACK_FAILED pack_run_id=f{n}" for n in range(5))
    alone = run(packs=events(Packs, completed, pack_key="a")).filter(kind="pack", dimension="pack_key")
    assert alone.select("won", "age_days", "is_latest").unique().rows() == [(None, 0, True)]
    assert alone.height == 20
    both = run(packs=events(Packs, f"{completed}\n{failed}", pack_key="a"))
    assert sum(won for _, won in decided(both, "pack")) == 20
    assert len(decided(both, "pack")) == 25
    other = events(Packs, failed, pack_key="a", tenant_id="t").with_columns(event_id=pl.lit("t") + pl.col("event_id"))
    walled = run(packs=pl.concat([events(Packs, completed, pack_key="a"), other]))
    assert len(decided(walled, "pack")) == 5, "what another tenant tells decides nothing"


def test_a_start_at_the_same_instant_comes_first():
    drawn = events(Packs, "1 PACK_COMPLETED pack_key=a\n1 PACK_STARTED pack_key=a")

    assert decided(run(packs=drawn), "pack") == [("a#1", True)]


def test_a_pack_run_that_is_named_like_a_numbered_one_makes_no_double():
    drawn = events(Packs, "1 PACK_FAILED pack_key=a pack_run_id=a#0\n2 PACK_COMPLETED pack_key=a")

    assert decided(run(packs=drawn), "pack") == [("a#0", True)]


def test_a_pack_event_without_project_belongs_to_the_only_project_of_its_run():
    drawn = events(
        Packs,
        """
        1 PACK_STARTED        pack_key=a pack_run_id=r project_id=p
        2 PACK_COMPLETED      pack_key=a pack_run_id=r project_id=p
        3 PACK_QUALITY_FAILED pack_key=a pack_run_id=r
        4 PACK_COMPLETED      pack_key=a pack_run_id=s project_id=p
        4 PACK_COMPLETED      pack_key=a pack_run_id=s project_id=q
        5 PACK_FAILED         pack_key=a pack_run_id=s
        """,
    )
    made = run(packs=drawn)

    assert decided(made, "pack") == [("r", False), ("s", False), ("s", True), ("s", True)]


def test_what_is_known_of_a_pack_run_comes_from_its_latest_event_that_says_it():
    drawn = events(
        Packs,
        """
        1 PACK_STARTED   pack_run_id=r pack_key=strategy_campaign_premium model=m1 industry=Health
        2 PACK_COMPLETED pack_run_id=r pack_key=strategy_campaign_premium model=m2
        """,
    )

    assert dimensions(run(packs=drawn), "r") == {
        "pack_key": "strategy_campaign_premium",
        "pack_family": "strategy_campaign",
        "pack_tier": "premium",
        "model": "m2",
        "industry": "Health",
    }


DEALS = {
    "won": ("0 LEAD_CREATED\n1 DEAL_WON", [("l", True)]),
    "lost": ("0 LEAD_CREATED\n1 LEAD_LOST", [("l", False)]),
    "open": ("1 LEAD_CREATED\n2 LEAD_QUALIFIED\n3 APPOINTMENT_SCHEDULED", [("l", False)]),
    "won at its last instant": ("0 LEAD_CREATED\n180 DEAL_WON", [("l", True)]),
    "won when its time was over": ("0 LEAD_CREATED\n180.01 DEAL_WON", [("l", False)]),
    "lost, came back and bought": ("1 LEAD_CREATED\n1 LEAD_LOST\n2 DEAL_WON", [("l", True)]),
    "won, then lost": ("1 LEAD_CREATED\n1 DEAL_WON\n2 LEAD_LOST", [("l", False)]),
    "known by its loss alone": ("1 LEAD_LOST", [("l", False)]),
    "known by its deal alone: of how many?": ("1 DEAL_WON", []),
}
OTHERS = "0 LEAD_CREATED lead_id=a\n1 DEAL_WON lead_id=a"


@pytest.mark.parametrize(("story", "expected"), DEALS.values(), ids=DEALS)
def test_a_deal_is_what_was_decided_last(story, expected):
    drawn = events(Acquisition, story, lead_id="l")
    others = events(Acquisition, OTHERS).with_columns(event_id=pl.lit("other") + pl.col("event_id"))

    assert decided(run(acquisition=pl.concat([drawn, others])), "deal") == sorted([("a", True), *expected])


def test_leads_known_by_their_end_alone_count_where_losses_are_told():
    drawn = events(Acquisition, "1 DEAL_WON lead_id=l\n2 LEAD_LOST lead_id=k")

    assert decided(run(acquisition=drawn), "deal") == [("k", False), ("l", True)]


def test_where_no_end_is_told_of_any_lead_none_is_lost():
    drawn = events(Acquisition, "1 LEAD_CREATED lead_id=l\n2 LEAD_QUALIFIED lead_id=l")
    made = run(acquisition=drawn)

    assert decided(made, "deal") == []
    assert made.filter(kind="deal", dimension="all").select("age_days", "won", "is_latest").rows() == [(0, None, True)]


def test_a_lead_counts_at_each_age_it_has_reached_with_what_came_by_then():
    drawn = events(
        Acquisition,
        """
        0  LEAD_CREATED  lead_id=l
        5  OUTREACH_SENT lead_id=l channel=email
        20 OUTREACH_SENT lead_id=l channel=phone
        40 DEAL_WON      lead_id=l
        """,
    )
    deals = run(as_of=day(91), acquisition=drawn).filter(kind="deal", dimension="channel").sort("age_days")

    assert deals.select("age_days", "value", "won", "is_latest").rows() == [
        (7, "email", False, False),
        (14, "email", False, False),
        (30, "phone", False, False),
        (60, "phone", True, False),
        (90, "phone", True, True),
    ]
    assert deals["event_date"].to_list() == [day(age).date() for age in (7, 14, 30, 60, 90)]


def test_a_deal_goes_with_the_last_message_before_it_and_with_what_is_known_of_the_lead():
    drawn = events(
        Acquisition,
        """
        0 LEAD_CREATED  lead_id=l source=website industry=Tech client_type=startup project_id=p
        1 OUTREACH_SENT lead_id=l channel=email template_id=t1
        2 OUTREACH_SENT lead_id=l channel=phone
        3 DEAL_WON      lead_id=l pack_sold=quick_social_basic
        4 OUTREACH_SENT lead_id=l channel=email template_id=t2
        """,
    )
    made = run(acquisition=drawn)

    assert dimensions(made.filter(kind="deal"), "l") == {
        "source": "website",
        "channel": "phone",
        "industry": "Tech",
        "client_type": "startup",
    }
    assert made.filter(kind="deal")["project_id"].unique().to_list() == ["p"]


def test_two_projects_may_each_have_a_lead_of_one_name():
    drawn = events(
        Acquisition,
        """
        0 LEAD_CREATED lead_id=l project_id=p
        1 DEAL_WON     lead_id=l project_id=p
        2 LEAD_LOST    lead_id=l project_id=q
        """,
    )

    assert decided(run(acquisition=drawn), "deal") == [("l", False), ("l", True)]


OUTREACH = {
    "replied in time": ("0 OUTREACH_SENT channel=email\n3 OUTREACH_REPLIED channel=email", [("e0", True)]),
    "replied at the last instant": (
        "0 OUTREACH_SENT channel=email\n14 OUTREACH_REPLIED channel=email",
        [("e0", True)],
    ),
    "replied at once": ("0 OUTREACH_SENT channel=email\n0 OUTREACH_REPLIED channel=email", [("e0", True)]),
    "replied too late": ("0 OUTREACH_SENT channel=email\n14.01 OUTREACH_REPLIED channel=email", [("e0", False)]),
    "never replied": ("0 OUTREACH_SENT channel=email", [("e0", False)]),
    "replied before it was sent": (
        "1 OUTREACH_SENT channel=email\n0 OUTREACH_REPLIED channel=email",
        [("e0", False)],
    ),
    "replied on another channel": (
        "0 OUTREACH_SENT channel=email\n1 OUTREACH_REPLIED channel=phone",
        [("e0", False)],
    ),
    "replied twice": (
        "0 OUTREACH_SENT channel=email\n2 OUTREACH_REPLIED channel=email\n3 OUTREACH_REPLIED channel=email",
        [("e0", True)],
    ),
    "a reply answers the latest message only": (
        "0 OUTREACH_SENT channel=email\n1 OUTREACH_SENT channel=email\n2 OUTREACH_REPLIED channel=email",
        [("e1", True), ("e0", False)],
    ),
    "a named reply answers its message": (
        (
            "0 OUTREACH_SENT channel=email message_id=a\n1 OUTREACH_SENT channel=email message_id=b\n"
            "2 OUTREACH_REPLIED channel=email message_id=a"
        ),
        [("e0", True), ("e1", False)],
    ),
    "a named reply answers its message on any channel": (
        "0 OUTREACH_SENT channel=email message_id=a\n2 OUTREACH_REPLIED channel=web message_id=a",
        [("e0", True)],
    ),
    "a reply to a message of another name": (
        "0 OUTREACH_SENT channel=email message_id=a\n2 OUTREACH_REPLIED channel=email message_id=x",
        [("e0", False)],
    ),
    "a named reply, a message without a name": (
        (
            "0 OUTREACH_SENT channel=email\n1 OUTREACH_SENT channel=email message_id=b\n"
            "2 OUTREACH_REPLIED channel=email message_id=x"
        ),
        [("e0", True), ("e1", False)],
    ),
    "a reply without a name": (
        "0 OUTREACH_SENT channel=email message_id=a\n2 OUTREACH_REPLIED channel=email",
        [("e0", True)],
    ),
    "one message name used twice": (
        (
            "0 OUTREACH_SENT channel=email message_id=a\n5 OUTREACH_SENT channel=email message_id=a\n"
            "6 OUTREACH_REPLIED channel=email message_id=a"
        ),
        [("e1", True), ("e0", False)],
    ),
}


@pytest.mark.parametrize(("story", "expected"), OUTREACH.values(), ids=OUTREACH)
def test_an_outreach_is_won_by_a_reply_in_time(story, expected):
    assert decided(run(acquisition=events(Acquisition, story, lead_id="l")), "outreach") == sorted(expected)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (7, []),  # a reply at this very instant would still count
        (7.01, [("e0", False)]),
        (14.01, [("e0", False)]),
    ],
)
def test_an_outreach_is_undecided_until_it_is_a_week_old(as_of, expected):
    drawn = events(Acquisition, "0 OUTREACH_SENT channel=email", lead_id="l")

    assert decided(run(as_of=day(as_of), acquisition=drawn), "outreach") == expected


def test_a_reply_makes_an_outreach_count_no_earlier_than_a_silence():
    drawn = events(Acquisition, "0 OUTREACH_SENT channel=email\n1 OUTREACH_REPLIED channel=email", lead_id="l")

    assert decided(run(as_of=day(7), acquisition=drawn), "outreach") == []
    assert decided(run(as_of=day(7.01), acquisition=drawn), "outreach") == [("e0", True)]


def test_a_late_reply_counts_at_the_later_age_alone():
    drawn = events(Acquisition, "0 OUTREACH_SENT channel=email\n9 OUTREACH_REPLIED channel=email", lead_id="l")
    made = run(acquisition=drawn)

    assert [at_age(made, "outreach", age) for age in (7, 14)] == [[("e0", False)], [("e0", True)]]


def test_the_time_for_a_reply_is_a_setting():
    drawn = events(Acquisition, "0 OUTREACH_SENT channel=email\n3 OUTREACH_REPLIED channel=email", lead_id="l")

    assert decided(run(windows=Windows(reply_days=2), acquisition=drawn), "outreach") == [("e0", False)]


def test_a_reply_of_another_lead_answers_nothing():
    drawn = events(
        Acquisition, "0 OUTREACH_SENT channel=email lead_id=l\n1 OUTREACH_REPLIED channel=email lead_id=other"
    )

    assert decided(run(acquisition=drawn), "outreach") == [("e0", False)]


def test_an_outreach_goes_with_its_channel_and_template_and_the_lead_s_segment():
    drawn = events(
        Acquisition,
        "0 LEAD_CREATED lead_id=l industry=Tech source=web\n1 OUTREACH_SENT lead_id=l channel=email template_id=t",
    )

    assert dimensions(run(acquisition=drawn), "e1") == {"channel": "email", "template_id": "t", "industry": "Tech"}


CONTENT = {"content_id": "c", "platform": "x", "engagement_rate": 0.05, "trials": 1000, "occurred_at": day(1)}


@pytest.mark.parametrize(("rate", "expected"), [(1.0, True), (0.05, True), (0.049, False), (0.0, False), (None, None)])
@pytest.mark.parametrize("alike", [1, 40])
def test_a_creative_is_won_from_a_good_rate_on(rate, expected, alike):
    content = frame(Contents, [CONTENT | {"engagement_rate": rate, "content_id": f"c{n}"} for n in range(alike)])

    won = [won for _, won in decided(run(contents=content), "creative")]
    assert won == ([] if expected is None else [expected] * alike)


@pytest.mark.parametrize(("trials", "expected"), [(99, None), (100, True), (None, None), (0, None)])
def test_a_creative_with_fewer_impressions_than_labels_need_is_undecided(trials, expected):
    made = run(contents=frame(Contents, [CONTENT | {"trials": trials}])).filter(kind="creative", dimension="all")

    assert made.select("age_days", "won", "is_latest").rows() == [(0, expected, True)]


def test_the_impressions_that_a_creative_needs_are_a_setting():
    content = frame(Contents, [CONTENT | {"trials": 60}])

    assert decided(run(contents=content, labels=Labels(impressions=50)), "creative") == [("x/c", True)]


def test_a_value_is_compared_within_what_its_kind_needs_but_for_itself():
    content = frame(Contents, [CONTENT | {"content_type": "reel", "hook_type": "list", "is_paid": True}])
    drawn = events(Packs, "1 PACK_COMPLETED pack_key=quick_social_basic model=m", pack_run_id="r")
    made = run(contents=content, packs=drawn).filter(age_days=0)

    whole = "platform x, content type reel, is paid yes, reach 4"
    assert dict(made.filter(kind="creative").select("dimension", "stratum").rows()) == {
        "all": "",
        "hook_type": whole,
        "platform": "content type reel, is paid yes, reach 4",
        "content_type": "platform x, is paid yes, reach 4",
        "is_paid": "platform x, content type reel, reach 4",
    }
    strata = dict(made.filter(kind="pack").select("dimension", "stratum").rows())
    assert strata == {
        "all": "",
        "pack_key": "",
        "pack_family": "",
        "pack_tier": "",
        "model": "pack key quick_social_basic",
    }


def test_a_creative_goes_with_its_attributes_and_its_segment():
    content = frame(
        Contents,
        [
            {
                "content_id": "c",
                "platform": "x",
                "engagement_rate": 0.06,
                "trials": 1000,
                "occurred_at": day(1),
                "project_id": "p",
                "content_type": "reel",
                "hook_type": "question",
                "tone": "friendly",
                "pillar": "people",
                "length_band": "6-10",
                "is_paid": False,
                "industry": "Tech",
            }
        ],
    )

    assert dimensions(run(contents=content), "x/c") == {
        "platform": "x",
        "content_type": "reel",
        "hook_type": "question",
        "tone": "friendly",
        "pillar": "people",
        "length_band": "6-10",
        "is_paid": "no",
        "industry": "Tech",
    }


def test_no_two_contents_get_one_name():
    rows = [
        {"content_id": "b/c", "platform": "a", "engagement_rate": 0.06, "trials": 500, "occurred_at": day(1)},
        {"content_id": "c", "platform": "a/b", "engagement_rate": 0.01, "trials": 500, "occurred_at": day(1)},
        {"content_id": "c", "platform": "a%2Fb", "engagement_rate": 0.01, "trials": 500, "occurred_at": day(1)},
    ]

    assert decided(run(contents=frame(Contents, rows)), "creative") == [
        ("a%252Fb/c", False),
        ("a%2Fb/c", False),
        ("a/b/c", True),
    ]


@pytest.mark.parametrize(
    ("passed", "total", "expected"),
    [(3, 3, True), (2, 3, False), (0, 3, False), (0, 0, None), (None, 3, None), (3, None, None), (4, 3, None)],
)
def test_a_run_is_won_if_it_passed_all_gates(passed, total, expected):
    row = {"gates_passed": passed, "gates_total": total, "doer": "planner", "outcome": "success"}
    drawn = frame(
        Runs, [row], event_type="RUN_COMPLETED", run_id="r", event_id="e", occurred_at=day(1), event_date=day(1).date()
    ).with_columns(failure_modes=pl.lit([], pl.List(pl.String)))
    made = run(runs=drawn)

    assert decided(made, "run") == ([] if expected is None else [("r", expected)])
    assert dimensions(made, "r") == ({} if expected is None else {"doer": "planner"})


def test_of_two_records_of_a_run_the_latest_counts():
    drawn = events(
        Runs,
        """
        1 RUN_COMPLETED run_id=r doer=d gates_passed=1 gates_total=2
        2 RUN_COMPLETED run_id=r doer=d gates_passed=2 gates_total=2
        """,
    )

    assert decided(run(runs=drawn), "run") == [("r", True)]


@pytest.mark.parametrize(
    ("outcome", "gates", "expected"),
    [
        ("error", "", False),
        ("Timed-Out", "", False),
        ("error", "gates_passed=2 gates_total=2", True),
        ("error", "gates_passed=0 gates_total=0", False),
        ("done", "", None),
    ],
)
def test_a_run_that_ended_in_error_without_gates_is_lost(outcome, gates, expected):
    made = run(runs=events(Runs, f"1 RUN_COMPLETED run_id=r doer=d outcome={outcome} {gates}"))
    assert decided(made, "run") == ([] if expected is None else [("r", expected)])


def test_the_subject_s_own_segment_comes_before_its_project_s():
    drawn = events(Packs, "1 PACK_FAILED pack_key=a project_id=p industry=Tech")
    project = frame(ProjectSegments, [{"project_id": "p", "industry": "Food", "client_type": "startup"}])
    made = run(packs=drawn, project_segments=project)

    assert made.select("industry", "client_type").unique().rows() == [("Tech", "startup")]


@pytest.mark.parametrize("kind", DIMENSIONS)
def test_every_outcome_is_counted_once_under_all(kind):
    made = run(**_everything()).filter(pl.col("kind") == kind)
    once = made.filter(pl.col("dimension") == "all")

    subjects = pl.struct("project_id", "subject_id")
    assert once.height == made.select(pl.struct("project_id", "subject_id", "age_days").n_unique()).item()
    assert once["is_latest"].sum() == once.select(subjects.n_unique()).item() > 0
    assert once["value"].unique().to_list() == ["all"]
    assert set(made["dimension"]) <= {"all", *DIMENSIONS[kind]}


def test_events_from_as_of_on_change_nothing():
    before = run(as_of=day(20), **_everything())
    later = {
        name: pl.concat(
            [item, item.with_columns(pl.col("occurred_at") + pl.duration(days=20), event_id="f" + pl.col("event_id"))]
        )
        for name, item in _everything().items()
        if name != "contents"
    }

    assert in_order(run(as_of=day(20), **(_everything() | later))).equals(in_order(before))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**16))
def test_the_order_of_the_rows_does_not_matter(seed):
    assert in_order(run(shuffled=seed, **_everything())).equals(in_order(run(**_everything())))


def _everything():
    return {
        "packs": events(
            Packs,
            """
            1 PACK_STARTED        pack_key=a
            1 PACK_COMPLETED      pack_key=a model=m1
            1 PACK_FAILED         pack_key=a model=m2
            2 PACK_STARTED        pack_key=a
            3 PACK_FAILED         pack_key=a
            3 PACK_COMPLETED      pack_key=a
            4 PACK_QUALITY_FAILED pack_key=b pack_run_id=r project_id=p
            4 PACK_QUALITY_PASSED pack_key=b pack_run_id=r
            5 PACK_COMPLETED      pack_key=b pack_run_id=r
            """,
        ),
        "acquisition": events(
            Acquisition,
            """
            0 LEAD_CREATED     lead_id=l industry=A client_type=x
            0 LEAD_CREATED     lead_id=l industry=B source=web
            1 OUTREACH_SENT    lead_id=l channel=email template_id=t1
            1 OUTREACH_SENT    lead_id=l channel=email template_id=t2
            1 OUTREACH_REPLIED lead_id=l channel=email
            2 OUTREACH_SENT    lead_id=l channel=phone message_id=m
            3 OUTREACH_REPLIED lead_id=l channel=phone message_id=m
            4 DEAL_WON         lead_id=l
            4 LEAD_LOST        lead_id=l
            5 LEAD_LOST        lead_id=k project_id=p
            """,
        ),
        "runs": events(
            Runs,
            """
            1 RUN_COMPLETED run_id=r doer=d gates_passed=1 gates_total=1
            1 RUN_COMPLETED run_id=r doer=e gates_passed=0 gates_total=1
            """,
        ),
        "contents": frame(
            Contents,
            [
                {
                    "content_id": "c",
                    "platform": "x",
                    "engagement_rate": 0.06,
                    "trials": 500,
                    "occurred_at": day(1),
                    "hook_type": "list",
                }
            ],
        ),
    }
