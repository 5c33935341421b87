"""Columns of dollars hold dollars: amounts of other currencies are converted by the team's rates, or refused."""

from __future__ import annotations

import json

import pytest

from kaizenlake.errors import SettingsError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.landing.retry import retry
from kaizenlake.lake.mapping.money import currency_in
from kaizenlake.lake.store import Lake
from kaizenlake.settings import load
from kaizenlake.tables import Events, Quarantine
from lake.landed import NOW, put

BASE = """
description = "Amounts for tests of money."
[[event]]
type = "PERFORMANCE_RECORDED"
id = { columns = ["id"] }
occurred_at = { column = "day", zone = "UTC" }
[event.fields]
content_id = "id"
platform = { constant = "x" }
"""
RATES = b"currency,from_date,usd\nEUR,2026-01-01,1.10\nEUR,2026-02-01,1.20\nJPY,2026-01-01,0.0065\n"


@pytest.fixture
def lake(tmp_path):
    made = Lake.create(tmp_path / "lake")
    put(made.path("rates.csv"), RATES)
    put(made.path("kaizen.toml"), b'[money]\nrate_file = "rates.csv"\n')
    return Lake(made.root)


def spend(tmp_path, lake, rule: str, header: str, *rows: str) -> list:
    """What the dollars of rows are; the reason where one is refused."""
    toml = put(tmp_path / "m.toml", (BASE + f"spend_usd = {rule}\n").encode())
    content = f"id,day,{header}\n" + "".join(f"{place},{row}\n" for place, row in enumerate(rows))
    land(lake, put(tmp_path / "t.csv", content.encode()), mapping=toml, now=NOW)
    found = {row["line"]: json.loads(row["payload"])["spend_usd"] for row in lake.scan(Events).collect().to_dicts()}
    found |= {row["line"]: "; ".join(row["reasons"]) for row in lake.scan(Quarantine).collect().to_dicts()}
    return [found[line] for line in sorted(found)]


def test_an_amount_without_a_currency_is_in_that_of_the_lake(tmp_path, lake):
    assert spend(tmp_path, lake, '"c"', "c", "2026-01-05,12.5", '2026-01-05,"$1,234.50"') == [12.5, 1234.5]


def test_a_currency_is_said_by_the_mapping_a_column_or_the_amount_itself_and_converted_by_the_rate_of_its_day(
    tmp_path, lake
):
    assert spend(tmp_path, lake, '{ column = "c", currency = "EUR" }', "c", "2026-01-31,10", "2026-02-01,10") == [
        11.0,
        12.0,
    ]


@pytest.mark.parametrize(
    ("rule", "header"),
    [
        ('{ column = "c", currency = { column = "w" } }', "c,w"),
        ('"c"', "c,Currency code"),
        ('"c"', "c,Account currency"),
    ],
)
def test_a_column_tells_the_currency_of_each_row_also_where_the_mapping_does_not_name_it(tmp_path, lake, rule, header):
    rows = ("2026-01-05,1000,JPY", "2026-01-05,10,EUR", "2026-01-05,7,USD", "2026-01-05,5,")
    assert spend(tmp_path, lake, rule, header, *rows) == [6.5, 11.0, 7.0, 5.0]


@pytest.mark.parametrize(
    ("header", "row", "dollars"),
    [
        ("Spend (EUR),Value", "10,40", [11.0, 44.0]),
        ("Spend (EUR),Value", "10,$40", [11.0, "written with '$'"]),
        ("Spend (EUR),Value (JPY)", "10,1000", [11.0, 6.5]),
        ("Spend,Value", "10,40", [10.0, 40.0]),
        ("Spend (EUR),Value,Currency", "10,40,", [11.0, 44.0]),
        ("Spend,Value,Budget (EUR)", "10,40,7", [10.0, 40.0]),
    ],
)
def test_an_amount_that_says_no_currency_is_in_the_one_that_the_other_amounts_of_its_table_say(
    tmp_path, lake, header, row, dollars
):
    rules = "".join(
        f'{name} = {{ column = "{column}" }}\n'
        for name, column in zip(("spend_usd", "revenue_usd"), header.split(","), strict=False)
    )
    toml = put(tmp_path / "m.toml", (BASE + rules).encode())
    land(lake, put(tmp_path / "t.csv", f"id,day,{header}\n1,2026-01-05,{row}\n".encode()), mapping=toml, now=NOW)
    events, waits = lake.scan(Events).collect(), lake.scan(Quarantine).collect()
    if isinstance(dollars[1], str):
        assert events.is_empty()
        assert any("'$'" in reason for reason in waits["reasons"][0])
        return
    told = json.loads(events["payload"][0])
    assert [told["spend_usd"], told["revenue_usd"]] == dollars


def test_signs_and_names_of_columns_tell_the_currency_too(tmp_path, lake):
    assert spend(tmp_path, lake, '"c"', "c", "2026-01-05,10 €", "2026-01-05,EUR 10", "2026-01-05,$7") == [
        11.0,
        11.0,
        7.0,
    ]
    assert [currency_in(name) for name in ("Amount spent (EUR)", "Cost", "Cost [JPY]", "Umsatz €", "CTR", "USD")] == [
        "EUR", "", "JPY", "EUR", "", "USD",
    ]  # fmt: skip


REFUSED = [
    # rule, header, row, what the reason says
    ('{ column = "c", currency = "GBP" }', "c", "2026-01-05,10", "there is no rate of GBP on 2026-01-05"),
    ('{ column = "c", currency = "EUR" }', "c", "2025-12-31,10", "there is no rate of EUR on 2025-12-31"),
    (
        '{ column = "c", currency = "EUR" }',
        "c",
        "2026-01-05,$10",
        "written with '$', and its currency is said to be EUR",
    ),
    (
        '"Cost (JPY)"',
        "Cost (JPY),Currency",
        "2026-01-05,10,EUR",
        "its column says JPY, and its currency is said to be EUR",
    ),
    ('"c"', "c", "2026-01-05,10 kr", "'kr' may be any of DKK, NOK, SEK"),
    ('"c"', "c", "2026-01-05,10 XYZ", "there is no rate of XYZ"),
    ('"c"', "c,Currency", "2026-01-05,10,euro", "no code of a currency"),
]


@pytest.mark.parametrize(("rule", "header", "row", "words"), REFUSED)
def test_what_cannot_be_converted_is_refused_with_the_reason(tmp_path, lake, rule, header, row, words):
    (found,) = spend(tmp_path, lake, rule, header, row)
    assert words in str(found)


def test_a_column_that_says_yen_lands_as_dollars_by_the_rate_alone(tmp_path, lake):
    assert spend(tmp_path, lake, '"Cost (JPY)"', "Cost (JPY)", "2026-01-05,1000") == [6.5]


def test_a_rate_that_is_added_later_lands_what_waited(tmp_path, lake):
    put(lake.path("mappings", "m.toml"), (BASE + 'spend_usd = { column = "c", currency = "GBP" }\n').encode())
    land(lake, put(tmp_path / "t.csv", b"id,day,c\n1,2026-01-05,10\n"), mapping="m", now=NOW)
    assert retry(lake, now=NOW).landed == 0
    put(lake.path("rates.csv"), RATES + b"GBP,2026-01-01,1.3\n")
    again = Lake(lake.root)
    assert retry(again, now=NOW).landed == 1
    assert json.loads(again.scan(Events).collect()["payload"][0])["spend_usd"] == 13.0


def test_the_currency_of_the_lake_may_be_another(tmp_path, lake):
    put(lake.path("kaizen.toml"), b'[money]\ncurrency = "EUR"\nrate_file = "rates.csv"\n')
    assert spend(tmp_path, Lake(lake.root), '"c"', "c", "2026-01-05,10", "2026-01-05,$10")[0] == 11.0


def test_what_is_multiplied_is_converted_once(tmp_path, lake):
    rule = '{ product = ["price", "count"], currency = "EUR" }'
    assert spend(tmp_path, lake, rule, "price,count", "2026-01-05,10,3") == [33.0]


def test_a_currency_has_one_rate_a_day_and_a_file_that_is_missing_is_told(tmp_path):
    put(tmp_path / "kaizen.toml", b'[money]\nrate_file = "rates.csv"\n')
    with pytest.raises(SettingsError, match="rate file cannot be read"):
        load(tmp_path)
    put(tmp_path / "rates.csv", RATES + b"JPY,2026-01-01,1\n")
    with pytest.raises(SettingsError, match="one rate from one day on"):
        load(tmp_path)
