"""Skill cards as they leave: signed files that generators read, pages, PDFs and the command line; hostile names are text."""

import json
import re
import shutil
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from cli.running import kaizen
from kaizenlake import tables
from kaizenlake.context import CORRUPT, MISSING, STALE, UNUSABLE, empty_skill, file_name, load_skill
from kaizenlake.errors import VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.night.verify import checks
from kaizenlake.parameters import WEIGHTS
from kaizenlake.publish.signed import skill_words
from kaizenlake.publish.signed import skill_words as words
from kaizenlake.publish.signed.skill_data import TABLES, courses, skills
from kaizenlake.publish.signed.skill_file import Experiment, Failure, Loss, Model, Term
from kaizenlake.publish.signed.skills import publish_skills, verify_skills
from kaizenlake.report.engine.render import render_html, render_pdf
from kaizenlake.report.learning_reports import write_skills
from kaizenlake.report.skill.fleet import build_fleet
from kaizenlake.report.skill.skill_report import build_named_card
from kaizenlake.tables import SkillCards
from kaizenlake.tables.skill import EXPERIMENT_TYPES
from publish.reading import Page, records, text_of
from publish.skill_frames import AS_OF, EVIL, scan, tables_of

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


def publish(lake, now=NOW):
    return publish_skills(lake, as_of=AS_OF, generated_at=now, run_id="run-1")


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    lake = Lake.create(tmp_path_factory.mktemp("skills") / "lake")
    for table, rows in tables_of().items():
        lake.write(table, [rows], days=None, reads={}, as_of=AS_OF, fingerprint="0" * 64)
    return lake


@pytest.fixture
def lake(filled, tmp_path):
    shutil.copytree(filled.root, tmp_path / "lake")
    return Lake(tmp_path / "lake")


def test_each_doer_has_a_signed_file_that_generators_read(lake):
    assert publish(lake).doers == 3
    folder = lake.path("published")
    key = (folder / "public_key.pem").read_bytes()
    assert {path.name for path in (folder / "skills").iterdir()} == {file_name(d) for d in ("planner", "writer", EVIL)}
    found = load_skill(folder, "planner", public_key=key)
    # It was published in the past: what it says of its validity counts.
    assert (found.reason, found.is_default, found.generated_at) == (STALE, False, NOW)
    said = found.skill
    assert said["card"]["weaknesses"] == ["grounding"]
    assert said["policy"]["policy_version"] == "1.2.0"
    assert [step["experiment_type"] for step in said["next_steps"]] == ["rag_optimization"]
    assert {mode["failure_mode"] for mode in said["card"]["failure_modes"]} >= {"timeout"}
    assert len(said["card"]["not_observed"]) == 8
    assert said["sample_size"] == said["card"]["loss"]["n"] == 86
    assert said["provenance"]["tables"]["gold.skill_cards"] == lake.version(SkillCards)
    assert load_skill(folder, EVIL, public_key=key).skill["doer"] == EVIL
    assert "\u202e" not in json.dumps(said["card"], ensure_ascii=False), "texts are lines without direction marks"


def test_a_file_stays_while_it_says_the_same_and_is_good_for_long_enough(lake):
    assert publish(lake).written == 3
    assert publish(lake, NOW + timedelta(hours=1)).written == 0
    assert publish(lake, NOW + timedelta(hours=30)).written == 3
    rows = tables_of()
    for table, frame in rows.items():
        kept = frame.filter(doer="writer") if "doer" in frame.columns else frame
        lake.write(table, [kept], days=None, reads={}, as_of=AS_OF, fingerprint="1" * 64)
    assert publish(lake, NOW + timedelta(hours=31)).doers == 1
    assert [path.name for path in lake.path("published", "skills").iterdir()] == ["writer.json"]


def changed(path):
    path.write_text(
        path.read_text(encoding="utf-8").replace('"sample_size": 86', '"sample_size": 87'), encoding="utf-8"
    )


def swapped(path):
    path.write_bytes((path.parent / "writer.json").read_bytes())


def broken(path):
    path.write_text('{"signed": {"doer": "planner"}}', encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "words"), [(changed, "signature"), (swapped, "file of the agent"), (broken, "skill card")]
)
def test_verify_finds_what_this_lake_did_not_publish_and_the_next_publication_mends_it(lake, spoil, words):
    publish(lake)
    assert verify_skills(lake).files == 3
    path = lake.path("published", "skills", "planner.json")
    spoil(path)
    with pytest.raises(VerificationError, match=words):
        verify_skills(lake)
    failed = [check.name for check in checks(lake) if check.error is not None]
    assert failed == ["skill cards"]
    assert publish(lake).written == 1
    assert verify_skills(lake).files == 3


def test_the_reader_never_raises(lake, tmp_path):
    publish(lake)
    folder = lake.path("published")
    key = (folder / "public_key.pem").read_bytes()
    assert load_skill(folder, "nobody").reason == MISSING
    assert load_skill(folder, "nobody").skill == empty_skill("nobody")
    assert load_skill(folder, "nobody", default={"mine": 1}).skill == {"mine": 1}
    assert load_skill(folder, "../../keys").reason == MISSING
    assert load_skill(folder, 7).reason == UNUSABLE
    assert load_skill(None, "planner").is_default
    assert load_skill(tmp_path / "nowhere", "planner").reason == MISSING
    path = folder / "skills" / "planner.json"
    whole = path.read_text(encoding="utf-8")
    for content in ("", "[]", "{", '{"signed": {}}', "[" * 100_000, whole.replace('"planner"', '"other"')):
        path.write_text(content, encoding="utf-8")
        assert load_skill(folder, "planner").reason == CORRUPT
    path.write_text(whole.replace('"sample_size": 86', '"sample_size": 87'), encoding="utf-8")
    assert load_skill(folder, "planner", public_key=key).reason == "default: bad signature"


def shown(page, identifier, column):
    """Figures of a column of a table, in order."""
    return sorted(row[column] for row in records(page, identifier) if column in row)


def test_a_page_shows_the_figures_of_the_tables_and_hostile_names_as_text():
    (planner,) = skills(scan(), as_of=AS_OF, doer="planner")
    page = Page(render_html(build_named_card(scan(), planner)))
    rows = tables_of()[TABLES[Model]].filter(doer="planner")
    assert shown(page, "models-table", "equal_cost_difference") == sorted(rows["equal_cost_difference"])
    rows = tables_of()[TABLES[Term]].filter(doer="planner")
    assert shown(page, "terms-table", "n") == sorted(rows["n"])
    assert "not observed" in page.words
    assert "</script><script>window.hit=1</script>" in page.words
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "embed", "link"}
    assert not [name for _, given in page.tags for name in given if name.startswith("on")]
    # A chart tells its numbers to who cannot see it.
    assert page.words.count("Unsupported claims +0.0795 (+0.0722 to +0.0869)") >= 2


@pytest.mark.parametrize("direction", ["improving", "degrading", "unclear"])
def test_the_legend_of_a_course_names_the_colours_that_are_drawn(direction):
    cards = tables_of()[SkillCards].with_columns(direction=pl.lit(direction), alert=pl.lit(value=False))
    found = scan(tables_of() | {SkillCards: cards})
    (planner,) = skills(found, as_of=AS_OF, doer="planner")
    (section,) = (section for section in build_named_card(found, planner).sections if section.id == "course")
    (picture,) = section.blocks
    drawn = set(re.findall(r'(?:fill|stroke)="var\(--([a-z]+)\)"', picture.chart.wide)) - {"ink", "line"}
    assert {colour for colour, _ in picture.chart.legend} == drawn


def test_a_doer_that_rests_shows_the_loss_of_the_days_of_its_card():
    longer = AS_OF + timedelta(days=400)
    found = courses(scan(), as_of=longer)
    assert found == courses(scan(), as_of=AS_OF)
    assert found["planner"].days
    assert not courses(scan(), as_of=AS_OF - timedelta(days=4_000))


def test_every_field_of_a_part_is_a_column_of_its_table():
    for part in (Loss, Term, Model, Failure, Experiment):
        assert set(part.__struct_fields__) - {"reason"} <= set(tables.schema(TABLES[part]).names())


def test_every_term_and_type_of_experiment_has_words():
    assert set(skill_words.TERMS) == set(skill_words.LEVERS) == set(WEIGHTS)
    assert set(skill_words.EXPERIMENTS) == set(EXPERIMENT_TYPES)


def test_the_pdf_says_what_the_page_says():
    (planner,) = skills(scan(), as_of=AS_OF, doer="planner")
    pdf = render_pdf(build_named_card(scan(), planner))
    flat = " ".join(text_of(pdf).split())
    for said in ("Skill card: planner", "Try an optimization of retrieval", "Unsupported claims", "timeout", "1.2.0"):
        assert said in flat
    assert "window.hit" in flat


def test_the_same_tables_make_the_same_bytes_and_the_fleet_page_leads_to_the_cards(tmp_path):
    written = write_skills(scan(), tmp_path / "one", as_of=AS_OF)
    again = write_skills(scan(), tmp_path / "two", as_of=AS_OF)
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    assert len(written) == 2 + 2 * 3
    page = Page(written[0].read_text(encoding="utf-8"))
    led = [given["href"] for tag, given in page.tags if tag == "a" and not given["href"].startswith("#")]
    assert len(led) == 3
    assert all((written[0].parent / href).is_file() for href in led)


def test_a_card_is_made_again_where_its_figures_changed_or_its_files_did_and_else_not(tmp_path):
    first = write_skills(scan(), tmp_path, as_of=AS_OF)
    before = {path: path.stat().st_ino for path in first}
    cards = [path for path in first if path.parent.name == "skills"]
    cards[0].write_text("somebody's own")
    cards[3].unlink()
    again = write_skills(scan(), tmp_path, as_of=AS_OF)
    assert again == first
    made = {path for path in cards if path.stat().st_ino != before[path]}
    assert made == {*cards[:4]}
    changed = {
        **tables_of(),
        SkillCards: tables_of()[SkillCards].with_columns(
            mean_loss=pl.when(doer="planner").then(0.123).otherwise("mean_loss")
        ),
    }
    there = {path: path.stat().st_ino for path in cards}
    write_skills(scan(changed), tmp_path, as_of=AS_OF)
    made = {path.stem for path in cards if path.stat().st_ino != there[path]}
    assert made == {"planner"}
    fresh = write_skills(scan(changed), tmp_path / "fresh", as_of=AS_OF)
    assert [path.read_bytes() for path in fresh] == [path.read_bytes() for path in first]


def test_without_a_doer_nothing_is_written(tmp_path):
    nobody = {table: frame.clear() for table, frame in tables_of().items()}
    assert write_skills(scan(nobody), tmp_path, as_of=AS_OF) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_card_of_little_says_what_is_missing():
    (evil,) = skills(scan(), as_of=AS_OF, doer=EVIL)
    words = Page(render_html(build_named_card(scan(), evil))).words
    assert "Not enough data yet: no other agent" in words
    assert "No run of these days names its model" in words
    assert "over 30 days not known (no runs before to compare with)." in words
    assert "No experiment has been made for it" in words
    assert "1 more" not in Page(render_html(build_fleet([evil], {}))).words


def test_the_command_shows_lists_and_writes(lake, tmp_path):
    told = json.loads(kaizen("skill", "planner", "--lake", lake.root, "--json").stdout)
    assert (told["doer"], told["card"]["weaknesses"]) == ("planner", ["grounding"])
    shown = kaizen("skill", "planner", "--lake", lake.root).stdout
    assert "Next: Try an optimization of retrieval" in shown
    assert "\u202e" not in shown
    page, paper = tmp_path / "card.html", tmp_path / "card.pdf"
    kaizen("skill", EVIL, "--lake", lake.root, "--html", page, "--pdf", paper)
    assert "Skill card" in page.read_text(encoding="utf-8")
    assert paper.read_bytes().startswith(b"%PDF")
    refused = kaizen("skill", "plannr", "--lake", lake.root, code=2).stderr
    assert "There is no skill card of 'plannr'" in refused
    assert "writer" in refused


def test_no_row_of_a_card_says_weakness_where_the_card_lists_none():
    """Worse than the others and better than before: the two together are unclear, and no word of the row says otherwise."""
    row = {
        "term": "gates", "n": 60, "n_fleet": 120, "n_past": 60, "verdict": "unclear",
        "fleet_difference": 0.05, "fleet_ci_low": 0.02, "fleet_ci_high": 0.08, "fleet_q_value": 0.001, "fleet_verdict": "weakness",
        "past_difference": -0.05, "past_ci_low": -0.08, "past_ci_high": -0.02, "past_q_value": 0.001, "past_verdict": "strength",
    }  # fmt: skip
    said = words.of_term(row)
    assert said.count(": worse") == said.count(": better") == 1
    assert "weakness" not in said
    assert "strength" not in said
