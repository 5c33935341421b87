"""Settings: defaults, then the file, then the environment; and words for whoever mistypes one."""

from __future__ import annotations

import re

import pytest

from kaizenlake import settings
from kaizenlake.errors import SettingsError


def lake_with(tmp_path, text):
    (tmp_path / settings.FILE_NAME).write_text(text, encoding="utf-8")
    return tmp_path


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
        ("[tiers]\ngoood = 0.2\n", ["tiers.goood"]),
        ("[teirs]\ngood = 0.2\n", ["teirs"]),
        ("[windows]\nreply_days = 0\n", ["windows.reply_days", "greater than or equal to 1"]),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, words):
    with pytest.raises(SettingsError) as caught:
        settings.load(lake_with(tmp_path, text))
    assert [word for word in words if word not in str(caught.value)] == []
    assert caught.value.exit_code == 2


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        settings.load().tiers.good = 0.5
