"""Text models as they leave: signed files by which services score, rank and allocate, and which never raise."""

import json
import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.context import CORRUPT, FRESH, NO_MODEL, UNUSABLE, allocate, file_name, load_scorer
from kaizenlake.errors import VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed.text_models import PLACE, publish_text_models, verify_text_models
from kaizenlake.tables import LearnedValue, TextEffects
from publish.context_frames import row

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
NOW = datetime.now(UTC)
MODEL = {
    "experiments": 60,
    "arms": 240,
    "status": "usable",
    "spread": 0.2,
    "pair_accuracy": 0.6,
    "click_gain": 0.1,
    "is_english": True,
}


def effect(kind, term, weight, model="p"):
    ends = {"ci_low": math.expm1(weight - 0.02), "ci_high": math.expm1(weight + 0.02)}
    some = {"arms": 50, "centre": 0.1, "spread": 0.2, "is_english": True, "examples": []}
    return row(TextEffects, kind=kind, term=term, weight=weight, model=model, **some, **ends)


def filled(folder, *, words=(), **models):
    lake = Lake.create(folder)
    values = [row(LearnedValue, model=name, **(MODEL | said)) for name, said in models.items()]
    values += [row(LearnedValue, model="", **MODEL)]
    told = [("rule", "question mark", -0.2), ("rule", "words: this", 0.3), ("word", "this", 0.1), *words]
    effects = [effect(*item, model=name) for item in told for name in ("p", "")]
    for table, rows in ((LearnedValue, values), (TextEffects, effects)):
        frame = pl.DataFrame(rows, schema=tables.schema(table))
        lake.write(table, [frame], days=None, reads={}, as_of=AS_OF, fingerprint="0" * 64)
    return lake


def publish(lake, now=NOW):
    return publish_text_models(lake, generated_at=now, run_id="run-1")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    made = filled(tmp_path_factory.mktemp("models") / "lake", p={}, q={"status": "no_model"}, r={"status": "too_few"})
    assert publish(made) == 3
    return made


def test_a_signed_model_scores_and_ranks_drafts(lake):
    folder = lake.path("published")
    scorer = load_scorer(folder, project="p", public_key=(folder / "public_key.pem").read_bytes())
    assert (scorer.reason, scorer.model, scorer.is_fresh) == (FRESH, "p", True)
    score = scorer.score("Is it this?")
    assert score.lift == pytest.approx(math.expm1(-0.2 + 0.3 + 0.1 - 0.1))
    assert score.low < score.lift < score.high
    # An idea that a rule and a word tell is told once.
    assert [name for name, _ in score.reasons] == ["words: this", "question mark"]
    assert score.reasons[1][1] == pytest.approx(math.expm1(-0.2), abs=1e-4)
    assert score.known == pytest.approx(1 / 3)
    ranking = scorer.rank(["Bread?", "This bread", "Bread"])
    assert ranking.order == [1, 2, 0]
    assert ranking.decided
    assert sum(ranking.chance_best) == pytest.approx(1.0)
    assert max(ranking.chance_best) == ranking.chance_best[1]
    alike = scorer.rank(["Bread", "Bread"])
    assert (alike.order, alike.decided) == ([0, 1], False)
    assert alike.chance_best == pytest.approx([0.5, 0.5])
    assert verify_text_models(lake).files == 3


def test_a_project_without_a_model_has_half_of_its_tenants_and_chance_has_none(lake):
    folder = lake.path("published")
    own, others = (load_scorer(folder, project=name) for name in ("p", "r"))
    assert (others.model, others.factor) == ("", 0.5)
    assert math.log1p(others.score("This").lift) == pytest.approx(math.log1p(own.score("This").lift) / 2)
    none = load_scorer(folder, project="q")
    assert (none.reason, none.is_default) == (NO_MODEL, True)
    assert "chance" in none.detail
    ranking = none.rank(["a", "b"])
    assert (ranking.order, ranking.chance_best, ranking.decided) == ([0, 1], [0.5, 0.5], False)
    assert none.score("a").high == math.inf


def test_nothing_raises_whatever_lies_there(lake, tmp_path):
    assert load_scorer(tmp_path).reason == NO_MODEL
    assert load_scorer(lake.path("published"), project=7).reason == UNUSABLE
    folder = tmp_path / "published" / PLACE
    folder.mkdir(parents=True)
    signed = json.loads((lake.path("published") / PLACE / file_name("p")).read_bytes())
    signed["signed"]["rules"]["question mark"] = "much"
    for content in (json.dumps(signed), "{}", "no json"):
        (folder / file_name("p")).write_text(content)
        scorer = load_scorer(tmp_path / "published", project="p")
        assert scorer.reason == CORRUPT
        assert scorer.rank([None, 3, "a"]).decided is False
    good = load_scorer(lake.path("published"), project="p")
    assert len(good.rank([None, "\ud800", "a" * 100_000]).scores) == 3
    assert good.rank(None).order == good.rank([]).order == []


def test_a_file_that_says_the_same_stays_and_a_changed_one_is_noticed(lake):
    assert publish(lake, NOW + timedelta(minutes=1)) == 0
    path = lake.path("published") / PLACE / file_name("p")
    content = path.read_bytes()
    try:
        path.write_bytes(content.replace(b"-0.2", b"-0.3"))
        with pytest.raises(VerificationError):
            verify_text_models(lake)
    finally:
        path.write_bytes(content)


def test_a_model_of_many_words_has_fewer_than_100_kb(tmp_path):
    words = [
        ("word", f"{'wörtlich' * 2}{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}", 0.001 * n)
        for n in range(1, 5000)
    ]
    lake = filled(tmp_path / "lake", words=[*words, ("word", "5551234", 3.0)], p={})
    publish(lake)
    path = lake.path("published") / PLACE / file_name("p")
    assert path.stat().st_size < 100_000
    kept = json.loads(path.read_bytes())["signed"]["words"]
    assert max(kept.values()) == pytest.approx(0.001 * 4999)
    assert "5551234" not in kept, "a number may be a person's"


@pytest.mark.parametrize(
    ("shown", "clicks", "scores", "expected"),
    [
        ([0, 0, 0], [0, 0, 0], None, [1 / 3, 1 / 3, 1 / 3]),
        ([1000, 1000], [10, 40], None, [0.025, 0.975]),
        ([1000, 1000], [10, 40], [0.0], [0.025, 0.975]),
        ([1000, 1000], [10, float("nan")], None, [0.975, 0.025]),
        ([1000, 1000], [10], None, [0.5, 0.5]),
        (["x", 1], [0, 0], None, [0.5, 0.5]),
        ([], [], None, []),
        (None, None, None, []),
    ],
)
def test_shares_of_a_running_test(shown, clicks, scores, expected):
    assert allocate(shown, clicks, scores) == pytest.approx(expected)


def test_scores_tilt_the_start_and_figures_overrule_them():
    start = allocate([0, 0], [0, 0], [0.2, -0.1])
    assert 0.6 < start[0] < 0.975
    assert sum(start) == pytest.approx(1.0)
    assert allocate([5000, 5000], [50, 100], [0.2, -0.1])[1] > 0.9
