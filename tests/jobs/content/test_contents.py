"""A content on a platform: its latest day, the features of that day's text, and its segment."""

import pytest

from jobs.drawn import day, frame, through
from kaizenlake.jobs.content.content_increments import content_increments
from kaizenlake.jobs.content.contents import contents
from kaizenlake.jobs.creations.content_matches import content_matches
from kaizenlake.jobs.creations.content_origins import content_origins
from kaizenlake.jobs.creations.external_origins import external_origins
from kaizenlake.tables import ContentFeatures, Core, DailyPerformance, ProjectSegments

LATER = day(365)


def measured(on, **columns):
    when = day(on + 0.5)
    return {
        "content_id": "c",
        "platform": "x",
        "project_id": "p",
        "performed_on": when.date(),
        "event_date": when.date(),
        "occurred_at": when,
        "event_id": f"e{on}-{columns.get('platform', 'x')}-{columns.get('project_id', 'p')}",
        "rate_of": "impressions",
        "figures": "total so far",
    } | columns


def compute(figures, features=(), projects=()):
    given = {
        DailyPerformance: frame(DailyPerformance, figures),
        ContentFeatures: frame(ContentFeatures, features),
        ProjectSegments: frame(ProjectSegments, projects),
    }
    return through(contents, given=given, as_of=LATER)


def test_the_latest_day_of_each_content_and_platform_counts():
    found = compute(
        [
            measured(0, impressions=10),
            measured(2, impressions=30),
            measured(1, impressions=20),
            measured(1, impressions=21, platform="y"),
            measured(0, impressions=11, project_id=None),
            measured(1, impressions=22, project_id=None),
        ]
    )
    assert set(found.select("project_id", "platform", "performed_on", "impressions").rows()) == {
        ("p", "x", day(2).date(), 30),
        ("p", "y", day(1).date(), 21),
        (None, "x", day(1).date(), 22),
    }


@pytest.mark.parametrize("project", ["p", None])
def test_the_features_are_those_of_the_same_day(project):
    of_day = {"content_id": "c", "platform": "x", "project_id": project}
    features = [
        of_day | {"performed_on": day(0).date(), "hook_type": "list", "hook_source": "text", "length_words": 3},
        of_day | {"performed_on": day(1).date(), "hook_type": "quote", "hook_source": "text", "length_words": 7},
        of_day | {"performed_on": day(1).date(), "platform": "y", "hook_type": "offer", "hook_source": "text"},
    ]
    found = compute([measured(0, project_id=project), measured(1, project_id=project)], features)
    assert found.select("hook_type", "hook_source", "length_words").rows() == [("quote", "text", 7)]
    bare = compute([measured(2, project_id=project)], features)
    assert bare.select("hook_type", "hook_source", "length_words").rows() == [(None, None, None)]


@pytest.mark.parametrize(
    ("own", "of_project", "expected"),
    [
        (("retail", None), ("food", "startup"), ("retail", "startup")),
        ((None, None), ("food", None), ("food", None)),
        ((None, "agency"), (None, None), (None, "agency")),
    ],
)
def test_the_segment_is_the_contents_own_or_else_its_projects(own, of_project, expected):
    project = dict(zip(("industry", "client_type"), of_project, strict=True)) | {"project_id": "p"}
    found = compute([measured(0, industry=own[0], client_type=own[1])], projects=[project])
    assert found.select("industry", "client_type").rows() == [expected]


def test_a_content_without_a_project_has_no_projects_segment():
    project = {"project_id": "p", "industry": "food"}
    assert compute([measured(0, project_id=None)], projects=[project])["industry"].to_list() == [None]


@pytest.mark.parametrize(
    ("rate_of", "expected"), [("impressions", 900), ("reach", 400)], ids=["of impressions", "of reach"]
)
def test_trials_are_the_denominator_of_the_rate(rate_of, expected):
    assert compute([measured(0, impressions=900, reach=400, rate_of=rate_of)])["trials"].item() == expected


def test_figures_of_single_days_are_added_up_over_all_days_and_totals_are_not():
    def days(platform, figures):
        return [
            measured(on, platform=platform, figures=figures, impressions=shown, clicks=clicks, conversions=0.1, reach=9)
            for on, shown, clicks in [(0, 100_000, 9000), (1, 100, 0)]
        ]

    given = {DailyPerformance: frame(DailyPerformance, days("day", "of the day") + days("sum", "total so far"))}
    found = through(content_increments, contents, given=given, as_of=LATER)
    by_platform = {row["platform"]: row for row in found.to_dicts()}
    assert (by_platform["day"]["impressions"], by_platform["day"]["clicks"]) == (100_100, 9000)
    assert by_platform["day"]["click_rate"] == 9000 / 100_100
    assert (by_platform["day"]["conversions"], by_platform["day"]["reach"], by_platform["day"]["revenue_usd"]) == (
        0.2,
        None,
        None,
    )
    assert (by_platform["sum"]["impressions"], by_platform["sum"]["clicks"], by_platform["sum"]["reach"]) == (100, 0, 9)


def created(name, project="p", platform=None, at=0, **told):
    return {
        "event_id": f"made-{name}-{project}-{platform}-{at}",
        "event_type": "CONTENT_CREATED",
        "occurred_at": day(at),
        "event_date": day(at).date(),
        "content_id": name,
        "project_id": project,
        "platform": platform,
    } | told


def with_creations(figures, creations, features=()):
    given = {
        DailyPerformance: frame(DailyPerformance, figures),
        ContentFeatures: frame(ContentFeatures, features),
        Core: frame(Core, creations),
    }
    return through(content_origins, external_origins, contents, given=given, as_of=LATER)


@pytest.mark.parametrize(
    ("figures", "creations", "expected"),
    [
        ({}, [created("c")], ("content_id", "made-c-p-None-0")),
        ({}, [created("c"), created("c", at=1)], ("content_id", "made-c-p-None-1")),
        ({}, [created("c", platform="x"), created("c", at=1)], ("content_id", "made-c-p-x-0")),
        ({}, [created("c", platform="y")], (None, None)),
        ({}, [created("c", project="other")], (None, None)),
        ({}, [created("c", project=None)], ("content_id", "made-c-None-None-0")),
        ({"project_id": "account"}, [created("mine", external_id="c")], ("external_id", "made-mine-p-None-0")),
        ({"external_id": "178"}, [created("mine", external_id="178")], ("external_id", "made-mine-p-None-0")),
        (
            {"external_id": "178"},
            [created("mine", external_id="178", at=1), created("c")],
            ("content_id", "made-c-p-None-0"),
        ),
        ({"external_id": None}, [created("mine")], (None, None)),
    ],
)
def test_figures_join_what_was_made_by_its_own_name_or_by_that_of_the_platform(figures, creations, expected):
    found = with_creations([measured(0, **figures)], creations)
    assert found.select("matched_by", "creation_id").rows() == [expected]


def test_what_a_record_does_not_say_is_what_was_told_when_the_content_was_made():
    made = created(
        "c",
        tone="warm",
        pillar="care",
        hook_type="offer",
        text="How to sleep better",
        context_sha256="ab",
        held_out=True,
    )
    shown = ("tone", "pillar", "hook_type", "hook_source", "text", "length_words", "context_sha256", "held_out")
    bare = with_creations([measured(0)], [made])
    assert bare.select(shown).row(0) == ("warm", "care", "offer", "event", "How to sleep better", 4, "ab", True)
    of_day = {"content_id": "c", "platform": "x", "project_id": "p", "performed_on": day(0).date()}
    text = of_day | {"text": "Why now?", "length_words": 2, "hook_type": "question", "hook_source": "text"}
    own = with_creations([measured(0, tone="cool")], [made], [text])
    assert own.select(shown[:6]).row(0) == ("cool", "care", "offer", "event", "Why now?", 2)
    named = with_creations([measured(0)], [made], [text | {"hook_source": "event"}])
    assert named.select("hook_type", "hook_source").row(0) == ("question", "event")


def test_what_was_made_and_what_was_measured_are_counted_with_and_without_the_other():
    given = {
        DailyPerformance: frame(
            DailyPerformance, [measured(0), measured(0, platform="y"), measured(0, content_id="d", project_id=None)]
        ),
        Core: frame(Core, [created("c"), created("never"), created("c", project="q")]),
    }
    jobs = (content_origins, external_origins, contents, content_matches)
    found = through(*jobs, given=given, as_of=LATER)
    assert {row[1]: row[2:] for row in found.rows()} == {
        "p": (2, 1, 1, 2, 2, 0),
        "q": (1, 0, 1, 0, 0, 0),
        None: (0, 0, 0, 1, 0, 1),
    }
