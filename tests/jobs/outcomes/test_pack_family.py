import polars as pl
import pytest

from kaizenlake.jobs.outcomes.pack_family import PACK_EXAMPLES, PACK_FAMILIES, PACK_TIERS, pack_family, pack_tier


@pytest.mark.parametrize(("key", "family", "tier"), PACK_EXAMPLES)
def test_a_key_is_read_as_its_example_says(key, family, tier):
    frame = pl.DataFrame({"key": [key]}).select(family=pack_family(pl.col("key")), tier=pack_tier(pl.col("key")))

    assert frame.row(0) == (family, tier)


@pytest.mark.parametrize("family", PACK_FAMILIES)
@pytest.mark.parametrize("tier", PACK_TIERS)
def test_every_known_family_is_known_in_every_tier_and_version(family, tier):
    keys = pl.DataFrame({"key": [f"{family}_{tier}", f"{family}_{tier}_v12", f"{family.upper()} {tier.title()}"]})

    read = keys.select(family=pack_family(pl.col("key")), tier=pack_tier(pl.col("key")))

    assert read.unique().rows() == [(family, tier)]


def test_no_key_no_family():
    read = pl.DataFrame({"key": pl.Series([None], dtype=pl.String)}).select(
        family=pack_family(pl.col("key")), tier=pack_tier(pl.col("key"))
    )

    assert read.rows() == [(None, None)]
