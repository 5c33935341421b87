"""Settings: defaults, then the file, then the environment; and words for whoever mistypes one."""

from __future__ import annotations

import json
import re

import pytest

from kaizenlake import settings
from kaizenlake.errors import SettingsError

pytestmark = pytest.mark.usefixtures("nightly_site")


def lake_with(tmp_path, text):
    (tmp_path / settings.FILE_NAME).write_text(text, encoding="utf-8")
    return tmp_path


def own_term(words):
    return f"[loss]\nterms = [{{weight = 0.5, {words}}}]\n"


def test_environment_over_file_over_defaults(tmp_path, monkeypatch):
    lake = lake_with(tmp_path, "[tiers]\ngood = 0.06\naverage = 0.03\n")
    monkeypatch.setenv("KAIZEN_TIERS__AVERAGE", "0.04")
    tiers = settings.load(lake).tiers
    assert (tiers.excellent, tiers.good, tiers.average) == (0.10, 0.06, 0.04)


def test_template_holds_every_default(tmp_path):
    text = re.sub(r"^# (\w+ = .*)$", r"\1", settings.template(), flags=re.MULTILINE)
    assert settings.load(lake_with(tmp_path, text)) == settings.load()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tiers\n", ["not readable as TOML", "kaizen.toml"]),
        ("[tiers]\ngood = 'much'\n", ["tiers.good", "'much'", "kaizen.toml"]),
        ("[tiers]\ngood = 0.2\n", ["tiers", "must fall"]),
        ("[tiers]\ngoood = 0.2\n", ["no setting 'tiers.goood'", "did you mean `good`?"]),
        ("[teirs]\ngood = 0.2\n", ["no setting 'teirs'", "did you mean `tiers`?"]),
        ("[promotion]\napproval_day = 3\n", ["promotion.approval_day", "did you mean `approval_days`?", "found 3"]),
        ("[alerts]\nsound = true\n", ["There is no setting 'alerts.sound'; found True."]),
        ("[windows]\nreply_days = 0\n", ["windows.reply_days", "greater than or equal to 1"]),
        ("[loss]\nwq = 0.5\n", ["loss", "wq, wg, wr", "must sum to 1", "1.25"]),
        ("[loss]\nwq = 0.5\nwg = 0.35\nwr = -0.5\n", ["loss.wr", "greater than or equal to 0"]),
        ("[loss]\nsecurity_half = 0\n", ["loss.security_half", "greater than 0"]),
        ("[[loss.overrides]]\nwq = 1\n", ["loss.overrides.0", "names a tenant, a phase or both"]),
        ("[[loss.overrides]]\ntenant = 'acme'\nwq = 0.5\n", ["loss.overrides.0", "must sum to 1; they sum to 0.5"]),
        ("[loss]\noverrides = [{phase = 'a', wq = 1}, {phase = 'a', wr = 1}]\n", ["more than one override", "phase a"]),
        (own_term("name = 'x', field = 'output_tokens', rule = 'count'"), ["loss.terms.0", "'count' needs half"]),
        (own_term("name = 'x', field = 'cost_usd', rule = 'rate', budget = 1"), ["loss.terms.0", "neither half nor"]),
        (own_term("name = 'gates', field = 'cost_usd', rule = 'rate'"), ["loss.terms.0", "one of the nine terms"]),
        (own_term("name = 'x', field = 'cost', rule = 'rate'"), ["loss", "'cost'", "no numeric field", "cost_usd"]),
        (own_term("name = 'x', field = 'model', rule = 'rate'"), ["loss", "'model'", "no numeric field"]),
        ("alerts = 5\n", ["'alerts'", "expected a table of settings; found 5", "kaizen.toml"]),
        (
            "[alerts]\nhook = '/bin/tell'\n",
            ["'alerts.hook'", "expected a list of texts; found the text '/bin/tell'", '["/usr/'],
        ),
        ("[alerts]\nhook = [7]\n", ["'alerts.hook.0'", "expected a text; found 7", "kaizen.toml"]),
        ("[alerts]\nhook_seconds = true\n[canaries]\nhorizon_nights = 2.5\n", ["expected a whole number; found 2.5"]),
        ("[canaries]\nmethod = 'best'\n", ["canaries.method", "expected 'power', 'obrien_fleming'", "the text 'best'"]),
        (own_term("name = 'X!', field = 'cost_usd', rule = 'rate'"), ["loss.terms.0.name", "'X!'"]),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, words):
    with pytest.raises(SettingsError) as caught:
        settings.load(lake_with(tmp_path, text))
    assert [word for word in words if word not in str(caught.value)] == []
    assert "Value error" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        settings.load().tiers.good = 0.5


NESTED = """
[loss]
wq = 0.35
wr = 0.05

[[loss.overrides]]
tenant = "acme"
phase = "draft"
wq = 0.6
wr = 0.4

[[loss.terms]]
name = "verbosity"
field = "output_tokens"
rule = "count"
half = 4000
weight = 0.1
"""


def test_weights_of_a_tenant_and_terms_of_a_teams_own(tmp_path):
    loss = settings.load(lake_with(tmp_path, NESTED)).loss
    assert (loss.wq, loss.wr, loss.wg) == (0.35, 0.05, 0.10)
    (override,), (term,) = loss.overrides, loss.terms
    assert (override.tenant, override.phase, override.wq, override.wr, override.ws) == ("acme", "draft", 0.6, 0.4, 0.0)
    assert (term.name, term.field, term.half, term.weight) == ("verbosity", "output_tokens", 4000, 0.1)


def test_origins_of_nested_settings_are_plain_values(tmp_path, monkeypatch):
    monkeypatch.setenv("KAIZEN_LOSS__TERMS", '[{"name":"cheap","field":"cost_usd","rule":"rate","weight":1}]')
    found = {item.name: item for item in settings.origins(lake_with(tmp_path, NESTED))}
    assert (found["loss.wq"].value, found["loss.wq"].default, found["loss.wq"].source) == (0.35, 0.25, "file")
    assert (found["loss.ws"].value, found["loss.ws"].source) == (0.15, "default")
    assert (found["loss.overrides"].source, found["loss.terms"].source) == ("file", "environment")
    assert json.loads(json.dumps(found["loss.overrides"].value))[0]["tenant"] == "acme"
    assert [term["name"] for term in found["loss.terms"].value] == ["cheap"]


def text_of_refusal(tmp_path, text=""):
    with pytest.raises(SettingsError) as caught:
        settings.load(lake_with(tmp_path, text))
    return str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("KAIZEN_CANARY__ALPHA", "0.1", ["There is no setting 'canary' (did you mean `canaries`?)", "'0.1'"]),
        ("KAIZEN_CANARIES__ALFA", "0.1", ["There is no setting 'canaries.alfa' (did you mean `alpha`?)", "'0.1'"]),
        ("KAIZEN_CANARIES__ALPHA__X", "1", ["There is no setting 'canaries.alpha__x' (did you mean `alpha`?)"]),
        ("KAIZEN___ALPHA", "1", ["There is no setting ''"]),
        ("KAIZEN_CANARY", '{"alpha": 0.1}', ["There is no setting 'canary' (did you mean `canaries`?)"]),
        ("KAIZEN_CANARIES", '{"alfa": 0.1}', ["There is no setting 'canaries.alfa' (did you mean `alpha`?)"]),
        ("KAIZEN_TIERS_GOOD", "0.06", ["There is no setting 'tiers_good' (did you mean `KAIZEN_TIERS__GOOD`?)"]),
        ("KAIZEN_CANARY_ALPHA", "0.1", ["(did you mean `KAIZEN_CANARIES__ALPHA`?)"]),
        ("KAIZEN_CANARIES", "no json", ["expected a JSON object of its settings; found the text 'no json'"]),
        ("KAIZEN_CANARIES", "[" * 100_000, ["expected a JSON object of its settings", "…"]),
        (
            "kaizen_canaries__alpha",
            "7",
            ["Setting 'canaries.alpha': expected a number less than 0.5; found the text '7'"],
        ),
        ("KAIZEN_CANARIES__ALPHA", "", ["Setting 'canaries.alpha': expected a number; found the text ''"]),
        ("KAIZEN_CANARIES__AUTO_PROMOTE", "perhaps", ["expected true or false; found the text 'perhaps'"]),
        ("KAIZEN_ALERTS__HOOK", "/bin/tell", ["Setting 'alerts.hook': expected a list of texts", "'/bin/tell'"]),
        ("KAIZEN_ALERTS__HOOK", "[7]", ["Setting 'alerts.hook.0': expected a text; found 7"]),
        ("KAIZEN_REPLAYS__SEEDS", "1,2", ["Setting 'replays.seeds': expected a list of whole numbers"]),
    ],
)
def test_a_wrong_variable_is_named(tmp_path, monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    said = text_of_refusal(tmp_path, "[canaries]\nhorizon_nights = 7\n")
    assert [word for word in [*words, f"(the variable {variable})"] if word not in said] == []
    assert len(said) < 600


@pytest.mark.parametrize(
    "variable",
    [
        "KAIZEN_LAKE",
        "KAIZEN_REPORTS",
        "KAIZEN_REQUIRE_BROWSER",
        "KAIZEN_HOME",
        "KAIZEN_PORT_80_TCP",
        "KAIZEN_SERVICE_HOST",
    ],
)
def test_a_variable_that_is_no_setting_is_left_alone(monkeypatch, variable):
    monkeypatch.setenv(variable, "tcp://10.0.0.1:80")
    assert settings.load() == settings.Settings()


def test_settings_that_do_not_go_together_name_every_place(tmp_path, monkeypatch):
    monkeypatch.setenv("KAIZEN_TIERS__AVERAGE", "0.3")
    said = text_of_refusal(tmp_path, "[tiers]\ngood = 0.06\n")
    assert f"({tmp_path / settings.FILE_NAME}, the variable KAIZEN_TIERS__AVERAGE)" in said


def test_a_variable_of_one_setting_goes_before_that_of_its_group(monkeypatch):
    monkeypatch.setenv("KAIZEN_TIERS", '{"good": 0.06, "average": 0.03}')
    monkeypatch.setenv("kaizen_tiers__average", "0.04")
    monkeypatch.setenv("KAIZEN_ALERTS__HOOK", '["/bin/tell", "us"]')
    found = {item.name: (item.value, item.source) for item in settings.origins()}
    assert found["tiers.good"] == (0.06, "environment")
    assert found["tiers.average"] == (0.04, "environment")
    assert found["tiers.excellent"] == (0.10, "default")
    assert found["alerts.hook"] == (("/bin/tell", "us"), "environment")


def test_prices_of_models_come_from_a_file_beside_the_settings(tmp_path):
    (tmp_path / "kaizen.toml").write_text('[costs]\nprice_file = "prices.csv"\n')
    prices = tmp_path / "prices.csv"
    prices.write_text(
        "model,from_date,input_usd,output_usd,cache_read_usd\nm,2026-01-01,2.5,10,\nm,2026-06-01,2,8,0.5\n"
    )
    first, second = settings.load(tmp_path).costs.prices
    assert (first.input_usd, first.cache_read_usd, second.output_usd, str(second.from_date)) == (
        2.5,
        None,
        8,
        "2026-06-01",
    )
    prices.write_text("model,from_date,input_usd,output_usd\nm,2026-01-01,-1,10\n")
    with pytest.raises(SettingsError) as refused:
        settings.load(tmp_path)
    assert "prices.csv" in str(refused.value)
    prices.unlink()
    with pytest.raises(SettingsError, match="price file"):
        settings.load(tmp_path)
