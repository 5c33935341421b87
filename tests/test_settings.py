"""Settings: defaults, then the file, then the environment; and words for whoever mistypes one."""

from __future__ import annotations

import json
import re

import pytest

from kaizenlake import settings
from kaizenlake.errors import SettingsError


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
