"""Which plug-ins are read at all: those whose folder somebody trusts, and that nobody else can have written."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kaizenlake import plugin_files
from kaizenlake.lake.store import Lake
from kaizenlake.plugin_files import in_folder
from plugins.declared import HELD, trusted

RAN = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"


def test_code_in_a_lake_is_off_until_its_folder_is_trusted_outside_of_it(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=HELD + RAN)
    folder = lake.path("plugins")
    for other in ("", str(tmp_path), f"{tmp_path}/lake", str(folder / "deeper")):
        monkeypatch.setenv("KAIZEN_TRUST_PLUGINS", other)
        assert in_folder(folder).sources == ()
        assert f"KAIZEN_TRUST_PLUGINS={folder}" in Lake(lake.root).declared.off
    lake.path("kaizen.toml").write_text(f'[plugins]\ntrust = "{folder}"\n')
    assert in_folder(folder).sources == ()
    assert not (folder / "webinars.ran").exists()
    monkeypatch.setenv("KAIZEN_TRUST_PLUGINS", f"/elsewhere{os.pathsep}{folder}")
    assert [source.problem for source in in_folder(folder).sources] == [""]
    assert (folder / "webinars.ran").exists()


@pytest.mark.parametrize("place", ["lake", "lake/plugins", "lake/plugins/webinars.py"])
@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_what_others_may_write_is_not_run(monkeypatch, tmp_path, place, bits):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=HELD + RAN)
    found = tmp_path / place
    found.chmod(found.stat().st_mode | bits)
    (source,) = in_folder(lake.path("plugins")).sources
    assert source.plugin is None
    assert f"others than its owner may write {found}" in source.problem
    assert not lake.path("plugins", "webinars.ran").exists()


def test_a_folder_above_in_which_each_removes_only_what_is_his_is_taken(monkeypatch, tmp_path):
    above = tmp_path / "shared"
    above.mkdir()
    above.chmod(0o1777)
    lake = trusted(monkeypatch, above / "lake", webinars=HELD)
    assert [taken.plugin.name for taken in lake.declared.plugins] == ["webinars"]


def test_a_link_that_leads_out_of_the_folder_is_not_run(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake")
    (tmp_path / "outside.py").write_text(HELD + RAN)
    lake.path("plugins", "webinars.py").symlink_to(tmp_path / "outside.py")
    (source,) = in_folder(lake.path("plugins")).sources
    assert "leads out of the folder" in source.problem
    assert not (tmp_path / "outside.ran").exists()


def test_no_compiled_copy_beside_it_is_run(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=HELD)
    assert len(lake.declared.plugins) == 1
    assert not lake.path("plugins", "__pycache__").exists()


def test_a_file_is_run_once_a_text(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake", webinars=HELD)
    first = Lake(lake.root).declared
    assert Lake(lake.root).declared is first
    lake.path("plugins", "webinars.py").write_text(HELD + "\n# later\n")
    assert Lake(lake.root).declared.mark != first.mark


def test_a_package_declares_a_plug_in_by_its_entry_point(tmp_path):
    (tmp_path / "acme_webinars.py").write_text(HELD)
    (tmp_path / "lake").mkdir()
    metadata = tmp_path / "acme_webinars-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-webinars\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(
        "[kaizenlake.plugins]\nbroken = acme_webinars:NOTHING\nwebinars = acme_webinars:PLUGIN\n"
    )
    code = (
        "from kaizenlake import plugins, log_event; found = plugins.declare(None);"
        "print([(taken.plugin.name, taken.where) for taken in found.plugins]); print(found.refused);"
        "log_event('WEBINAR_HELD', topic='AI'); print(found.catalogue.by_name('WEBINAR_HELD').name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "KAIZEN_LAKE": str(tmp_path / "lake")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    taken, refused, event = done.stdout.splitlines()
    assert "entry point webinars = acme_webinars:PLUGIN, package acme-webinars 1.2" in taken
    assert "acme_webinars:NOTHING" in refused
    assert "AttributeError" in refused
    assert event == "WEBINAR_HELD"


def test_the_variable_is_no_setting(monkeypatch, tmp_path):
    lake = trusted(monkeypatch, tmp_path / "lake")
    assert lake.settings == Lake.create(tmp_path / "other").settings
    assert plugin_files.trusted_folders() == {lake.path("plugins").resolve()}
