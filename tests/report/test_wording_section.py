"""The report tells what text models are worth and which ideas bring clicks; without experiments on wording it tells nothing."""

import polars as pl

from kaizenlake import tables
from kaizenlake.report.engine.render import render_html
from kaizenlake.report.kaizen import kaizen_data
from kaizenlake.report.kaizen.sections import build_document
from kaizenlake.report.kaizen.wording_section import build_wording
from kaizenlake.tables import LearnedValue, TextEffects
from publish.context_frames import AS_OF, row


def report(*rows):
    frames = {
        table: pl.DataFrame([values for kind, values in rows if kind is table], schema=tables.schema(table))
        for table in (LearnedValue, TextEffects)
    }
    return kaizen_data.build(
        lambda table: frames[table].lazy() if table in frames else tables.empty(table), as_of=AS_OF
    )


def test_models_and_their_clear_rules_are_told():
    model = row(LearnedValue, model="", status="usable", pair_accuracy=0.58, click_gain=0.08, experiments=90)
    effect = {"model": "", "kind": "rule", "arms": 9, "tests": 5, "examples": [], "is_english": True}
    told = row(
        TextEffects, term="colon", meaning="It has a colon <b>.", effect=-0.06, ci_low=-0.09, ci_high=-0.03, **effect
    )
    unclear = row(TextEffects, term="dash", meaning="It has a dash.", effect=0.01, ci_low=-0.09, ci_high=0.1, **effect)
    data = report((LearnedValue, model), (TextEffects, told), (TextEffects, unclear))
    page = render_html(build_document(data))
    page = page.decode() if isinstance(page, bytes) else page
    assert "names the better one in 58% of pairs" in page
    assert "It has a colon &lt;b&gt;" in page
    assert "It has a dash" not in page


def test_without_experiments_there_is_no_section_and_chance_is_said_to_be_none():
    assert build_wording(report()) is None
    section = build_wording(report((LearnedValue, row(LearnedValue, model="", status="no_model", experiments=60))))
    assert section is not None
    assert "did not beat chance" in section.lead
    assert len(section.blocks) == 1
