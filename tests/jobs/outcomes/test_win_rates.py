import numpy as np
import polars as pl
import pytest
from scipy import stats as reference

from jobs.drawn import day, frame, through
from kaizenlake import tables
from kaizenlake.jobs.outcomes.outcome_counts import outcome_counts
from kaizenlake.jobs.outcomes.scoped_win_rates import SCOPES_TO_FIT, scoped_win_rates
from kaizenlake.jobs.outcomes.win_rates import win_rates
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats.pooling.betabinomial import UNKNOWN_STRENGTH, fit
from kaizenlake.tables import Outcomes

AS_OF = day(100)
VALUES = {"a": (8, 10), "b": (2, 10), "c": (0, 5)}


def outcomes(counts, *, dimension="channel", kind="deal", **columns):
    """Decided outcomes from value -> (wins, decided), with their totals."""
    rows = [
        {"value": value, "won": number < wins, "subject_id": f"{columns}{value}{number}"}
        for value, (wins, decided) in counts.items()
        for number in range(decided)
    ]
    same = {"kind": kind, "dimension": dimension, "started_at": day(1), "age_days": 0, "is_latest": True, "stratum": ""}
    drawn = frame(Outcomes, rows, **(same | columns))
    return pl.concat([drawn, drawn.with_columns(dimension=pl.lit("all"), value=pl.lit("all"))])


def whole(drawn, *then, **settings):
    jobs = (outcome_counts, win_rates, *then)
    return through(*jobs, given={Outcomes: drawn}, as_of=AS_OF, engine="streaming", **settings)


def scoped(drawn):
    return whole(drawn, scoped_win_rates)


def row(made, **where):
    (found,) = made.filter(*(pl.col(key) == value for key, value in where.items())).rows(named=True)
    return found


def test_rates_and_lift_stand_against_the_other_values():
    made = whole(outcomes(VALUES))
    a, c = row(made, value="a"), row(made, value="c")

    assert (a["wins"], a["decided"], a["win_rate"]) == (8, 10, 0.8)
    assert a["lift"] == pytest.approx(0.8 / (2 / 15) - 1)
    assert a["p_value"] == pytest.approx(reference.fisher_exact([[8, 2], [2, 13]]).pvalue)
    low, high = reference.binomtest(8, 10).proportion_ci(method="wilson")
    assert (a["ci_low"], a["ci_high"]) == pytest.approx((low, high))
    assert (c["win_rate"], c["ci_low"], c["lift"]) == (0.0, 0.0, -1.0)


def test_lift_is_null_where_the_others_never_won():
    a = row(whole(outcomes({"a": (3, 5), "b": (0, 5)})), value="a")

    assert a["lift"] is None
    assert a["p_value"] == pytest.approx(reference.fisher_exact([[3, 2], [0, 5]]).pvalue)


def test_a_value_without_others_is_compared_with_nothing():
    a = row(whole(outcomes({"a": (3, 5)})), value="a")

    assert (a["lift"], a["p_value"], a["q_value"]) == (None, None, None)


def test_the_total_of_a_kind_counts_each_outcome_once():
    total = row(whole(outcomes(VALUES)), dimension="all")

    assert (total["value"], total["wins"], total["decided"], total["q_value"]) == ("all", 10, 25, None)


def test_rates_are_drawn_toward_the_prior_of_their_kind_and_dimension():
    made = whole(pl.concat([outcomes(VALUES), outcomes({"a": (90, 100)}, kind="run")]))
    prior = fit([8, 2, 0], [10, 10, 5])

    shrunk = made.filter(kind="deal", dimension="channel").sort("value")["shrunk_rate"].to_list()
    assert shrunk == pytest.approx([(wins + prior.alpha) / (n + prior.strength) for wins, n in VALUES.values()])


def test_q_is_corrected_within_kind_and_dimension():
    made = whole(pl.concat([outcomes(VALUES), outcomes({"x": (30, 40), "y": (10, 40)}, dimension="template_id")]))

    for dimension in ("channel", "template_id"):
        part = made.filter(dimension=dimension)
        expected = reference.false_discovery_control(part["p_value"].to_numpy())
        assert part["q_value"].to_list() == pytest.approx(expected.tolist())


def test_the_confidence_is_a_setting():
    narrow = row(whole(outcomes(VALUES), evidence=EvidenceNeeds(confidence=0.8)), value="a")
    low, high = reference.binomtest(8, 10).proportion_ci(0.8, method="wilson")

    assert (narrow["ci_low"], narrow["ci_high"]) == pytest.approx((low, high))


def test_nothing_decided_makes_no_rows():
    assert whole(tables.empty(Outcomes)).is_empty()
    assert scoped(tables.empty(Outcomes)).is_empty()


def test_an_outcome_counts_for_its_project_and_for_each_segment_that_is_known():
    made = scoped(
        pl.concat(
            [
                outcomes({"a": (1, 2)}, project_id="p", industry="Tech", client_type="startup"),
                outcomes({"a": (0, 3)}, project_id="q", industry="Tech", client_type="startup"),
                outcomes({"a": (4, 4)}, project_id="q", industry="Tech"),
                outcomes({"a": (5, 5)}, client_type="startup"),
            ]
        )
    ).filter(pl.col("dimension") == "channel")

    names = ("scope", "project_id", "industry", "client_type", "wins", "decided")
    assert made.select(names).rows() == [
        ("project", "p", None, None, 1, 2),
        ("project", "q", None, None, 4, 7),
        ("segment", None, None, "startup", 6, 10),
        ("segment", None, "Tech", None, 5, 9),
        ("segment", None, "Tech", "startup", 1, 5),
    ]


def test_a_scope_s_rate_is_drawn_toward_the_whole_s_and_says_by_how_much():
    drawn = pl.concat([outcomes({"a": (wins, 10), "b": (5, 10)}, project_id=f"p{wins}") for wins in range(1, 9)])
    made = scoped(drawn)
    of_whole = row(whole(drawn), value="a")["shrunk_rate"]
    strength = fit(list(range(1, 9)), [10] * 8).strength

    for wins in range(1, 9):
        found = row(made, project_id=f"p{wins}", value="a")
        assert found["whole_rate"] == of_whole
        assert found["borrowed_rate"] == pytest.approx(strength / (strength + 10))
        borrowed = found["borrowed_rate"]
        assert found["shrunk_rate"] == pytest.approx(borrowed * of_whole + (1 - borrowed) * wins / 10)


def test_where_few_scopes_have_a_value_the_spread_of_the_totals_is_taken():
    many = [outcomes({"b": (wins, 10)}, project_id=f"p{wins}") for wins in range(1, 9)]
    few = outcomes({"rare": (2, 2)}, project_id="p1")
    found = row(scoped(pl.concat([*many, few])), value="rare")
    strength = fit([3, *range(2, 9)], [12] + [10] * 7).strength

    assert SCOPES_TO_FIT > 1
    assert found["borrowed_rate"] == pytest.approx(strength / (strength + 2))


def test_a_single_scope_borrows_little():
    found = row(scoped(outcomes({"a": (8, 10)}, project_id="p")), value="a")

    assert found["borrowed_rate"] == pytest.approx(UNKNOWN_STRENGTH / (UNKNOWN_STRENGTH + 10))


def test_within_a_scope_values_stand_against_the_scope_s_own():
    made = scoped(pl.concat([outcomes(VALUES, project_id="p"), outcomes({"b": (50, 50)}, project_id="q")]))
    part = made.filter(project_id="p", dimension="channel")

    assert row(part, value="a")["p_value"] == pytest.approx(reference.fisher_exact([[8, 2], [2, 13]]).pvalue)
    expected = reference.false_discovery_control(part["p_value"].to_numpy())
    assert part["q_value"].to_list() == pytest.approx(expected.tolist())


def test_shrinking_brings_scopes_nearer_to_the_truth():
    rng = np.random.default_rng(11)
    truth = rng.beta(6, 14, 60)
    wins = rng.binomial(8, truth)
    made = scoped(pl.concat([outcomes({"a": (int(n), 8)}, project_id=f"p{i:02}") for i, n in enumerate(wins)]))
    part = made.filter(dimension="channel").sort("project_id")

    def error(name):
        return float(np.mean((part[name].to_numpy() - truth) ** 2))

    assert error("shrunk_rate") < 0.6 * error("win_rate")


@pytest.mark.parametrize("job", [whole, scoped])
def test_the_order_of_the_rows_changes_no_bit(job):
    drawn = pl.concat([outcomes({"a": (n % 7, 7), "b": (n % 3, 5)}, project_id=f"p{n % 9}") for n in range(40)])
    shuffled = drawn.collect().sample(fraction=1.0, shuffle=True, seed=5).lazy()

    assert job(shuffled).equals(job(drawn))
