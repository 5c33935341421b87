"""What won deals share, and whether the model of it keeps its word."""

import random

import polars as pl
import pytest
from statsmodels.discrete.discrete_model import Logit

from jobs.drawn import day, events, through
from kaizenlake.jobs.funnel.icp_calibration import icp_calibration
from kaizenlake.jobs.funnel.icp_patterns import icp_patterns
from kaizenlake.jobs.funnel.leads import leads
from kaizenlake.tables import Acquisition

LATER = day(365)


def drawn(count, chances, seed=1):
    """Leads of two sources and two industries, won by chance; and the same as rows."""
    draw = random.Random(seed)
    lines, rows = [], []
    for number in range(count):
        source, industry = draw.choice(["web", "web", "fair"]), draw.choice(["food", "food", "it"])
        won = draw.random() < chances[source, industry]
        lines.append(f"{number % 100} LEAD_CREATED lead_id=l{number:05} source={source} industry={industry}")
        lines.append(f"{number % 100 + 5} {'DEAL_WON' if won else 'LEAD_LOST'} lead_id=l{number:05}")
        rows.append((source == "fair", industry == "it", won))
    return "\n".join(lines), rows


CHANCES = {("web", "food"): 0.2, ("web", "it"): 0.4, ("fair", "food"): 0.4, ("fair", "it"): 0.65}


def compute(job, text, as_of=LATER):
    return through(leads, job, given={Acquisition: events(Acquisition, text)}, as_of=as_of)


def test_lifts_are_of_each_value_alone_and_coefficients_beside_the_others():
    text, rows = drawn(600, CHANCES)
    found = compute(icp_patterns, text)
    (fair,) = found.filter(dimension="source", value="fair").iter_rows(named=True)
    ours = [won for is_fair, _, won in rows if is_fair]
    others = [won for is_fair, _, won in rows if not is_fair]
    assert (fair["leads"], fair["won"]) == (len(ours), sum(ours))
    assert fair["lift"] == pytest.approx((sum(ours) / len(ours)) / (sum(others) / len(others)) - 1)
    assert fair["lift_low"] < fair["lift"] < fair["lift_high"]
    design = [[1.0, float(is_fair), float(is_it)] for is_fair, is_it, _ in rows]
    theirs = Logit([float(won) for *_, won in rows], design).fit(disp=False)
    it = found.filter(dimension="industry", value="it").row(0, named=True)
    assert [fair["coefficient"], it["coefficient"]] == pytest.approx(theirs.params[1:].tolist(), abs=1e-6)
    assert [fair["coefficient_low"], fair["coefficient_high"]] == pytest.approx(theirs.conf_int()[1].tolist(), abs=1e-4)
    web = found.filter(value="web").row(0, named=True)
    assert (web["coefficient"], web["reason"]) == (None, "the others are held against it")


def test_too_few_events_give_no_coefficient_and_say_so():
    text, _ = drawn(60, dict.fromkeys(CHANCES, 0.15))
    found = compute(icp_patterns, text)
    assert found["coefficient"].null_count() == found.height > 0
    assert found["reason"].str.starts_with("too few events").all()
    assert compute(icp_calibration, text).is_empty()


def test_an_attribute_that_parts_won_from_lost_gives_no_coefficient():
    text, _ = drawn(200, {pair: float(pair[0] == "fair") for pair in CHANCES})
    found = compute(icp_patterns, text)
    assert found["coefficient"].null_count() == found.height
    assert found["reason"].unique().to_list() == ["a variable parts won from not won"]
    assert found.filter(value="fair")["lift"].item() is None, "of nothing there is no lift"


def test_attributes_that_part_the_same_leads_have_no_coefficient_and_the_others_keep_theirs():
    text, _ = drawn(600, CHANCES)
    kind = text.replace("industry=food", "industry=food client_type=shop").replace(
        "industry=it", "industry=it client_type=lab"
    )
    alone, beside = (
        {row["value"]: row for row in compute(icp_patterns, given).iter_rows(named=True)} for given in (text, kind)
    )
    assert beside["fair"]["coefficient"] == pytest.approx(alone["fair"]["coefficient"])
    for value in ("it", "lab"):
        assert beside[value]["coefficient"] is None
        assert beside[value]["reason"].startswith("another attribute parts the same leads")
    assert compute(icp_calibration, kind)["predicted_rate"].to_list() == pytest.approx(
        compute(icp_calibration, text)["predicted_rate"].to_list()
    )


def test_one_score_of_all_leads_has_no_coefficient_and_says_so():
    text, _ = drawn(600, CHANCES)
    scored = events(Acquisition, text).with_columns(
        icp_match_score=pl.when(pl.col("event_type") == "LEAD_CREATED", pl.col("lead_id") < "l00300").then(0.7)
    )
    found = through(leads, icp_patterns, given={Acquisition: scored}, as_of=LATER)
    assert found.filter(dimension="icp_match_score").select("leads", "coefficient", "reason").rows() == [
        (300, None, "every score is the same")
    ]
    assert found.filter(value="fair")["coefficient"].item() is not None


def test_a_lead_is_won_within_the_window_so_that_old_leads_have_no_more_time():
    story = "".join(f"0 LEAD_CREATED lead_id={lead} source={lead}\n" for lead in "abc")
    found = compute(icp_patterns, story + "90 DEAL_WON lead_id=a\n91 DEAL_WON lead_id=b")
    assert found.filter(dimension="source").select("value", "won").rows() == [("a", 1), ("b", 0), ("c", 0)]


def test_won_leads_alone_tell_nothing_of_what_parts_them_from_others():
    alone = "".join(f"0 LEAD_CREATED lead_id=l{n} source=web\n{n} DEAL_WON lead_id=l{n}\n" for n in range(30))
    assert compute(icp_patterns, alone).is_empty()
    assert compute(icp_patterns, alone + "300 LEAD_CREATED lead_id=x")["won"].item() == 30


def test_young_leads_and_those_without_a_creation_are_not_judged():
    text = "0 LEAD_CREATED lead_id=a source=web\n300 LEAD_CREATED lead_id=b source=web\n1 DEAL_WON lead_id=c source=web"
    assert compute(icp_patterns, text).select("dimension", "value", "leads").rows() == [("source", "web", 1)]


def test_a_model_of_what_holds_is_calibrated_on_leads_it_has_not_seen():
    text, rows = drawn(3000, CHANCES, seed=5)
    found = compute(icp_calibration, text)
    assert found["predicted_fifth"].to_list() == [1, 2, 3, 4, 5]
    assert found["leads"].sum() == len(rows)
    assert found["predicted_rate"].is_sorted()
    assert (found["predicted_rate"] - found["won_rate"]).abs().max() < 0.06
    assert found.select((pl.col("won_rate_low") <= pl.col("won_rate")).all()).item()
