"""Packed files that unpack to far more than text does: read to a point, and said; never into memory as a whole."""

from __future__ import annotations

import gzip
import zipfile

import pytest

from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.readers import sources, xlsx_rows
from kaizenlake.lake.store import Lake
from lake.landed import NOW, held, lead, line, put

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "mapping", "content"),
    [
        ("in.ndjson.gz", None, line(lead()) + b"\n" + b"0" * 16 * MIB),
        (
            "in.csv.gz",
            "crm_deals",
            b"Record ID,Create Date,Deal Stage,Close Date\n1,2026-01-01,won,\n" + b"0" * 16 * MIB,
        ),
        ("in.parquet.gz", "crm_deals", b"0" * 16 * MIB),
        ("in.yaml.gz", "aider_polyglot_runs", b"- a: b\n" + b"#" * 16 * MIB),
    ],
)
def test_a_bomb_is_read_to_a_point_and_said(tmp_path, monkeypatch, name, mapping, content):
    monkeypatch.setattr(sources, "MOST_UNPACKED", 8 * MIB)
    lake = Lake.create(tmp_path / "lake")
    file = put(tmp_path / name, gzip.compress(content, 9))
    done = land(lake, file, mapping=mapping, now=NOW)
    assert done.by_rule["not_readable"] == 1
    assert done.lines_in == done.landed + done.duplicate + done.quarantined
    assert held(lake)[-1][1] == ["not_readable"]
    if mapping is None:
        # What came before stays.
        assert done.landed == 1


def test_what_text_packs_to_is_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_UNPACKED", MIB)
    lake = Lake.create(tmp_path / "lake")
    many = b"".join(line(lead(f"e{place}", f"l{place}")) + b"\n" for place in range(12_000))
    assert len(many) > MIB
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in.ndjson", many)
    assert land(lake, tmp_path / "in.zip", now=NOW).landed == 12_000


def test_a_workbook_that_does_not_fit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx_rows, "MOST_BYTES", MIB)
    lake, file = Lake.create(tmp_path / "lake"), tmp_path / "in.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<row/>" * MIB)
    done = land(lake, file, mapping="crm_deals", now=NOW)
    assert done.by_rule == {"not_readable": 1}
