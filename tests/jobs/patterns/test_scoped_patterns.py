import numpy as np
import polars as pl
import pytest

from jobs.drawn import day, frame, through
from kaizenlake.jobs.patterns.pattern_sums import pattern_sums
from kaizenlake.jobs.patterns.patterns import patterns
from kaizenlake.jobs.patterns.scoped_patterns import scoped_patterns
from kaizenlake.stats import dersimonian_laird
from kaizenlake.tables import Contents, Patterns, PatternSums

AS_OF = day(365)
STEADY = np.linspace(0.8, 1.2, 12)


def contents(*groups):
    """Contents from (hook, rates, columns)."""
    rows = [{"hook_type": hook, "engagement_rate": rate} | columns for hook, rates, columns in groups for rate in rates]
    numbered = [{"content_id": str(number)} | row for number, row in enumerate(rows)]
    return frame(Contents, [{"platform": "x", "occurred_at": day(1)} | row for row in numbered])


def run(drawn):
    chosen = {"as_of": AS_OF, "engine": "streaming"}
    sums = through(pattern_sums, given={Contents: drawn}, **chosen).lazy()
    whole = through(patterns, given={Contents: drawn, PatternSums: sums}, **chosen)
    return whole, through(scoped_patterns, given={Contents: drawn, PatternSums: sums, Patterns: whole.lazy()}, **chosen)


def row(made, pattern="question", **where):
    conditions = {"pattern_type": "hook_type", "pattern": pattern} | where
    (found,) = made.filter(*(pl.col(key).eq_missing(pl.lit(value)) for key, value in conditions.items())).rows(
        named=True
    )
    return found


def projects(lifts, **columns):
    """Contents of one project per lift of questions over lists."""
    return contents(
        *(
            (hook, 0.05 * (1 + lift * (hook == "question")) * STEADY, {"project_id": f"p{number}"} | columns)
            for number, lift in enumerate(lifts)
            for hook in ("question", "list")
        )
    )


def test_a_project_is_observed_on_its_own_contents():
    _, made = run(projects([0.5, -0.2]))

    first, second = row(made, project_id="p0"), row(made, project_id="p1")
    assert (first["lift"], second["lift"]) == pytest.approx((0.5, -0.2), abs=0.01)
    assert (first["verdict"], second["verdict"]) == ("works", "risky")
    assert (first["rate_with"], first["rate_without"]) == pytest.approx((0.075, 0.05))
    assert (first["scope"], first["contents"], first["metric"]) == ("project", 12, "engagement_rate")


def test_a_segment_is_compared_within_its_projects():
    segment = {"industry": "Tech", "client_type": "startup"}
    _, made = run(
        contents(
            ("question", 0.5 * STEADY, {"project_id": "good"} | segment),
            ("list", 0.5 * STEADY[:6], {"project_id": "good"} | segment),
            ("question", 0.05 * STEADY[:6], {"project_id": "bad"} | segment),
            ("list", 0.05 * STEADY, {"project_id": "bad"} | segment),
        )
    )

    found = row(made, scope="segment", industry="Tech", client_type="startup")
    assert found["contents"] == 18
    assert abs(found["lift"]) < 0.25  # without strata it would be 1.8


def test_a_lift_is_drawn_toward_the_whole_by_the_spread_between_scopes():
    lifts = np.linspace(-0.2, 0.4, 9)
    whole, made = run(projects(lifts))
    scoped = [row(made, project_id=f"p{number}") for number in range(9)]

    assert {item["whole_lift"] for item in scoped} == {row(whole, evidence="observation")["lift"]}
    effects = np.log1p([item["lift"] for item in scoped])
    # Fewer than five strata: the interval is the normal one, which tells the standard error.
    ses = (np.log1p([i["lift_ci_high"] for i in scoped]) - effects) / 1.959964
    between = float(dersimonian_laird(effects, ses**2, method="normal").tau2)
    toward = np.log1p(scoped[0]["whole_lift"])
    expected = toward + between / (between + ses**2) * (effects - toward)
    assert [item["shrunk_lift"] for item in scoped] == pytest.approx(np.expm1(expected).tolist())


def test_a_scope_that_can_compare_nothing_has_the_whole_s_lift():
    small = contents(("question", [0.1], {"project_id": "small"}))
    _, made = run(pl.concat([projects([0.3, 0.3]), small]))
    found = row(made, project_id="small")

    assert (found["lift"], found["p_value"], found["verdict"], found["contents"]) == (None, None, "unclear", 1)
    assert found["shrunk_lift"] == pytest.approx(found["whole_lift"])
    assert found["whole_lift"] == pytest.approx(0.3, abs=0.01)


def test_a_content_without_project_and_segment_is_in_no_scope():
    drawn = contents(("question", STEADY * 0.1, {}), ("list", STEADY * 0.1, {}))

    assert run(drawn)[1].is_empty()


def test_nothing_makes_no_rows():
    assert run(contents())[1].is_empty()


def test_the_order_of_the_rows_changes_no_bit():
    rng = np.random.default_rng(3)
    drawn = projects(rng.normal(0, 0.3, 12), industry="Tech", client_type="startup")
    shuffled = drawn.collect().sample(fraction=1.0, shuffle=True, seed=4).lazy()

    assert run(shuffled)[1].equals(run(drawn)[1])


def test_shrinking_brings_scopes_nearer_to_the_truth():
    rng = np.random.default_rng(6)
    truth = rng.normal(0.1, 0.1, 80)
    groups = [
        (
            hook,
            (0.05 * (1 + lift * (hook == "question")) * rng.gamma(2, 0.5, 12)).clip(0, 1),
            {"project_id": f"p{n:02}"},
        )
        for n, lift in enumerate(truth)
        for hook in ("question", "list")
    ]
    _, made = run(contents(*groups))
    part = made.filter(pattern_type="hook_type", pattern="question", scope="project").sort("project_id")

    def error(name):
        return float(np.mean((part[name].to_numpy() - truth) ** 2))

    assert part.height == 80
    assert error("shrunk_lift") < 0.3 * error("lift")


def trials_of(project, count, lift, rng, **columns):
    """Experiments of one question against one list each, of 2,000 impressions an arm."""
    rates = {"question": 0.05 * (1 + lift), "list": 0.05}
    cells = [
        {
            "experiment_id": f"{project}{number}",
            "hook_type": hook,
            "clicks": int(rng.binomial(2_000, rate)),
            "impressions": 2_000,
            "project_id": project,
        }
        | columns
        for number in range(count)
        for hook, rate in rates.items()
    ]
    return contents(*((cell["hook_type"], [cell["clicks"] / 2_000], cell) for cell in cells)).with_columns(
        content_id=pl.concat_str("experiment_id", "hook_type"),
        click_rate=pl.col("clicks") / pl.col("impressions"),
        engagement_rate=pl.lit(None, pl.Float64),
    )


def test_experiments_of_a_project_are_read_in_the_project():
    rng = np.random.default_rng(7)
    _, made = run(pl.concat([trials_of("good", 20, 0.5, rng), trials_of("flat", 20, 0.0, rng)]))
    good, flat = (row(made, project_id=name, evidence="experiment") for name in ("good", "flat"))
    assert (good["verdict"], flat["verdict"]) == ("works", "unclear")
    assert (good["experiments"], good["contents"], good["metric"]) == (20, 20, "click_rate")
    assert good["lift"] == pytest.approx(0.5, abs=0.15)


def test_arms_are_not_observed_where_experiments_of_their_project_contrast_the_pattern():
    rng = np.random.default_rng(8)
    ordinary = contents(
        ("question", 0.075 * STEADY, {"project_id": "p", "content_type": "reel"}),
        ("list", 0.05 * STEADY, {"project_id": "p", "content_type": "reel"}),
    ).with_columns(content_id="o" + pl.col("content_id"))
    whole, made = run(pl.concat([trials_of("p", 20, 0.0, rng, content_type="reel"), ordinary]))
    assert row(made, project_id="p", evidence="experiment")["verdict"] == "unclear"
    assert row(made, project_id="p", evidence="observation")["contents"] == 12
    assert row(whole, evidence="observation")["contents"] == 12
    # All of them are reels: no experiment contrasts that, so each experiment is one thing that was observed.
    alone, _ = run(trials_of("p", 20, 0.0, rng, content_type="reel"))
    reels = row(alone, evidence="observation", pattern_type="content_type", pattern="reel")
    assert (reels["contents"], reels["metric"]) == (20, "click_rate")


def test_a_text_that_is_shown_often_counts_once():
    often = contents(
        ("question", [0.09] * 200, {"project_id": "p", "text": "Why so often?"}),
        ("question", 0.05 * STEADY, {"project_id": "p"}),
        ("list", 0.05 * STEADY, {"project_id": "p"}),
    )
    found = row(run(often)[1], project_id="p")
    assert (found["contents"], found["verdict"]) == (13, "unclear")
    assert found["rate_with"] == pytest.approx((0.09 + 12 * 0.05) / 13)
