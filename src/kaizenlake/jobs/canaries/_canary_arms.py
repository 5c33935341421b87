"""What is known of each arm of each deployment on each night: moments of its units, merged exactly.

A unit counts once, with the mean of its runs so far in whole millionths. From night to night only the units that had runs
change, so sums over units, of values and of their squares, are added up from the differences: whole numbers of 128 bits,
which give the same bits in every order, and of which n, mean and M2 are made without cancellation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake import stats
from kaizenlake.jobs.runs._loss_sums import MICRO
from kaizenlake.stats import CoMoments, Moments, expressions
from kaizenlake.tables.canary import METRICS

FIGURES: Mapping[str, tuple[str, ...]] = {
    "loss": ("n", "loss_micros"),
    "seen": ("runs", "runs"),
    "activity": ("runs", "runs"),
    "missing": ("runs", "n", "routings"),
    **{metric: (f"{metric}_n", f"{metric}_micros") for metric in METRICS},
}
"""Columns of `canary_units` that each figure is made of: the number and the sum, of which it is the mean.

`seen` counts units that ran, whatever they tell; `activity` is the logarithm of the runs of a unit; `missing` the share of
its runs, or of its routings where these are more, that have no loss.
"""

DEPLOYMENT = ("tenant_id", "deployment_id")
"""Columns that name one deployment; a null is a tenant of its own."""

_WHOLE = pl.Int128


class Known(NamedTuple):
    """One figure on every look (axes: arms, looks): of all units, and of those with and without a past apart."""

    whole: Moments
    with_past: CoMoments
    without_past: Moments


class Pairs(NamedTuple):
    """Units under a candidate and its control: differences, and the mean of either (axes: arms, looks)."""

    differences: Moments
    mean: NDArray[np.float64]
    mean_control: NDArray[np.float64]

    def of(self, arms: NDArray[np.bool_]) -> Pairs:
        """Return those of some arms."""
        return Pairs(Moments(*(part[arms] for part in self.differences)), self.mean[arms], self.mean_control[arms])


def number_deployments(
    deployments: pl.DataFrame, units: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Name each deployment by one number in place of tenant and name, which only together name it.

    Args:
        deployments: Rows of `deployments`.
        units: Rows of `canary_units`.

    Returns:
        Both with the number as `deployment_id`, and the names: `code`, `tenant_id`, `deployment_id`, in their order.
    """
    names = deployments.select(DEPLOYMENT).sort(DEPLOYMENT).with_row_index("code")
    one, other = (
        frame.join(names, on=DEPLOYMENT, nulls_equal=True, maintain_order="left")
        .drop("deployment_id")
        .rename({"code": "deployment_id"})
        for frame in (deployments, units)
    )
    return one, other, names


def with_names(rows: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Bring the names back, by which the rows are then sorted first.

    Args:
        rows: Rows with the number of each deployment as `deployment_id`, sorted by it.
        names: From `coded`.
    """
    return rows.rename({"deployment_id": "code"}).join(names, on="code", maintain_order="left").drop("code")


def arms_of(deployments: pl.DataFrame) -> pl.DataFrame:
    """Return versions of each deployment that has a look, one after the other and the control first.

    Returns:
        The deployment's facts with `policy_version`, its `place` (0 the control), its `share` (null where not all are
        known), and `arm`, the number of the row.
    """
    shares = pl.col("candidate_shares")
    whole = pl.when(shares.list.drop_nulls().list.len() == shares.list.len()).then(1.0 - shares.list.sum())
    return number_arms(
        deployments.filter(pl.col("looks_count") > 0, pl.col("candidate_versions").list.len() > 0)
        .with_columns(
            policy_version=pl.concat_list("control_version", "candidate_versions"),
            share=pl.concat_list(whole.clip(lower_bound=0.0), shares),
        )
        .explode("policy_version", "share")
        .with_columns(place=pl.int_range(pl.len()).over("deployment_id"))
    )


def number_arms(arms: pl.DataFrame, part: Sequence[str] = ()) -> pl.DataFrame:
    """Return arms in their one order, with their numbers.

    Args:
        arms: Rows of `arms_of`, or several of each, told apart by `part`.
        part: Columns of parts of the units that are compared each for itself.
    """
    return arms.sort("deployment_id", *part, "place").drop("arm", strict=False).with_columns(arm=pl.int_range(pl.len()))


def with_looks(arms: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `canary_units` up to the last look of their deployment, with `look`, and `unit`, a code of the unit.

    Args:
        arms: From `arms_of`.
        units: Rows of `canary_units`.
    """
    facts = arms.filter(place=0).select("deployment_id", "started_at", "looks_count")
    look = (pl.col("event_date") - pl.col("started_at").dt.date()).dt.total_days() + 1
    return (
        units.join(facts, on="deployment_id")
        .with_columns(look=look, unit=pl.col("unit_id").cast(pl.Categorical).to_physical())
        .filter(pl.col("look") <= pl.col("looks_count"))
    )


def find_mixed_units(rows: pl.DataFrame) -> pl.DataFrame:
    """Return units of a deployment seen under more than one version, with the look since which they are: `mixed_look`.

    Args:
        rows: From `with_looks`.
    """
    return (
        rows.filter(pl.col("unit").is_not_null())
        .group_by("deployment_id", "unit", "policy_version")
        .agg(pl.col("look").min())
        .group_by("deployment_id", "unit")
        .agg(mixed_look=pl.col("look").sort().get(1, null_on_oob=True))
        .filter(pl.col("mixed_look").is_not_null())
    )


def unit_nights(
    arms: pl.DataFrame, rows: pl.DataFrame, figures: Sequence[str], part: Sequence[str] = ()
) -> pl.DataFrame:
    """Return what each unit of each arm did on each night; runs that name no unit are left out.

    Args:
        arms: From `arms_of`, or by part from `number_arms`.
        rows: From `with_looks`, with the columns of `part`.
        figures: Names of `FIGURES` that are kept.
        part: Columns of parts of the units.
    """
    own = arms.select("deployment_id", "policy_version", *part, "arm")
    return (
        rows.filter(pl.col("unit").is_not_null())
        .join(own, on=["deployment_id", "policy_version", *part])
        .group_by("arm", "unit", "look")
        .agg(
            pl.col("deployment_id").first(),
            pl.col(_list_columns(figures)).sum(),
            pl.col("history_n", "history_micros").first(),
        )
    )


def without_mixed(nights: pl.DataFrame, mixed: pl.DataFrame) -> pl.DataFrame:
    """Return nights before a unit was seen under another version, and a row that takes it out on that one (`gone`).

    Args:
        nights: From `unit_nights`.
        mixed: From `find_mixed_units`.
    """
    marked = nights.join(mixed, on=["deployment_id", "unit"], how="left")
    kept = marked.filter(pl.col("mixed_look").is_null() | (pl.col("look") < pl.col("mixed_look")))
    leaving = (
        kept.filter(pl.col("mixed_look").is_not_null())
        .unique(["arm", "unit"], keep="any")
        .with_columns(pl.col("mixed_look").alias("look"))
    )
    return pl.concat([kept.with_columns(gone=pl.lit(value=False)), leaving.with_columns(gone=pl.lit(value=True))])


def moments_so_far(nights: pl.DataFrame, arms: int, looks: int, figures: Sequence[str]) -> dict[str, Known]:
    """Return moments of the units of each arm on each look, by figure.

    Args:
        nights: From `without_mixed`.
        arms: Number of arms.
        looks: Number of looks.
        figures: Names of `FIGURES`.
    """
    past = (
        pl.when(pl.col("history_n") > 0).then((pl.col("history_micros") / pl.col("history_n")).round()).cast(pl.Int64)
    )
    each = _select_values(nights.with_columns(past=past), figures)
    changes = each.group_by("arm", "look", known=pl.col("past").is_not_null()).agg(
        part for figure in figures for part in _compute_changes(figure)
    )
    found: dict[str, Known] = {}
    for figure in figures:
        sums = {
            known: _so_far(changes.filter(known=known), arms, looks, figure, ("n", "x", "xx", "h", "hh", "xh"))
            for known in (True, False)
        }
        whole = pl.DataFrame([sums[True][name] + sums[False][name] for name in ("n", "x", "xx")])
        found[figure] = Known(
            _make_moments(whole, looks), _make_comoments(sums[True], looks), _make_moments(sums[False], looks)
        )
    return found


def pairs_so_far(
    nights: pl.DataFrame, controls: Mapping[int, int], looks: int, figures: Sequence[str]
) -> dict[str, Pairs]:
    """Return differences of the units that ran under a candidate and its control, on each look, by figure.

    Args:
        nights: From `unit_nights`, with `gone` or not.
        controls: Arm of the control of each candidate's arm; the result has one row each, in this order.
        looks: Number of looks.
        figures: Names of `FIGURES`.
    """
    partners = pl.DataFrame(
        {"candidate": list(controls), "control": list(controls.values()), "row": range(len(controls))},
        schema=dict.fromkeys(("candidate", "control", "row"), pl.Int64),
    )
    sides = []
    for side, other in (("candidate", "control"), ("control", "candidate")):
        own = nights.join(partners, left_on="arm", right_on=side)
        sides.append(
            own.select(
                arm="row",
                unit="unit",
                look="look",
                **{f"{side}_{name}": pl.col(name) for name in _list_columns(figures)},
                **{f"{other}_{name}": pl.lit(0, pl.Int64) for name in _list_columns(figures)},
            )
        )
    both = pl.concat(sides, how="diagonal").group_by("arm", "unit", "look").agg(pl.all().sum())
    prefixed = {f"{side}_{figure}": (side, figure) for figure in figures for side in ("candidate", "control")}
    columns = {name: tuple(f"{side}_{part}" for part in FIGURES[figure]) for name, (side, figure) in prefixed.items()}
    each = _sort_rows(both)
    each = each.with_columns(**{f"{name}_at": _compute_mean_so_far(n, total) for name, (n, total) in columns.items()})
    for figure in figures:
        a, b = pl.col(f"candidate_{figure}_at"), pl.col(f"control_{figure}_at")
        paired = a.is_not_null() & b.is_not_null()
        each = each.with_columns(
            pl.when(paired).then(a - b).alias(f"{figure}_at"),
            pl.when(paired).then(a).alias(f"a_{figure}_at"),
            pl.when(paired).then(b).alias(f"b_{figure}_at"),
        )
    each = _add_former(each, [f"{side}{figure}" for figure in figures for side in ("", "a_", "b_")])
    changes = each.group_by("arm", "look").agg(
        part
        for figure in figures
        for name in (figure, f"a_{figure}", f"b_{figure}")
        for part in _compute_changes(name, with_past=False)
    )
    found: dict[str, Pairs] = {}
    for figure in figures:
        whole, a_side, b_side = (
            _make_moments(_so_far(changes, len(controls), looks, name, ("n", "x", "xx")), looks)
            for name in (figure, f"a_{figure}", f"b_{figure}")
        )
        found[figure] = Pairs(whole, a_side.mean, b_side.mean)
    return found


def count_rows(rows: pl.DataFrame, counts: pl.Expr, arms: int, looks: int) -> NDArray[np.int64]:
    """Return a count by arm and look (of that night alone); 0 without a row.

    Args:
        rows: Rows with `arm` and `look`.
        counts: The aggregate.
        arms: Number of arms.
        looks: Number of looks.
    """
    found = rows.group_by("arm", "look").agg(counts.cast(pl.Int64).alias("counted"))
    table = np.zeros((arms, looks), dtype=np.int64)
    table[found["arm"].to_numpy(), found["look"].to_numpy() - 1] = found["counted"].to_numpy()
    return table


def adjust_by_past(known: Known, deployment: NDArray[np.int64], looks: int) -> tuple[Moments, NDArray[np.float64]]:
    """Return moments less what the units' past explains (CUPED, one slope per deployment and look), and the share it explains.

    Args:
        known: Of the loss.
        deployment: Code of the deployment of each arm, from 0.
        looks: Number of looks.
    """
    shape = known.whole.n.shape
    codes = (deployment[:, None] * looks + np.arange(looks)).ravel()
    flat = (CoMoments(*(part.ravel() for part in known.with_past)), Moments(*(p.ravel() for p in known.without_past)))
    arms = stats.cuped_by(codes, *flat)
    return Moments(*(part.reshape(shape) for part in arms.moments)), arms.explained.reshape(shape)


def _list_columns(figures: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name for figure in figures for name in FIGURES[figure]))


def _sort_rows(nights: pl.DataFrame) -> pl.DataFrame:
    """Return rows by arm, unit and look, with one number `key` for arm and unit, and `first` for its first row."""
    key = pl.col("arm").cast(pl.Int64) * 2**32 + pl.col("unit").cast(pl.Int64)
    return (
        nights.with_columns(key=key)
        .sort("key", "look")
        .with_columns(first=pl.col("key") != pl.col("key").shift(1, fill_value=-1))
    )


def _select_values(nights: pl.DataFrame, figures: Sequence[str]) -> pl.DataFrame:
    """Return the value of each unit on each of its nights (`<figure>_at`) and on the one before (`<figure>_was`)."""
    each = _sort_rows(nights)
    each = each.with_columns(
        pl.when(~pl.col("gone")).then(_compute_value_so_far(figure)).alias(f"{figure}_at") for figure in figures
    )
    return _add_former(each, figures)


def _add_former(each: pl.DataFrame, figures: Sequence[str]) -> pl.DataFrame:
    return each.with_columns(pl.col(f"{figure}_at").shift(1).over("key").alias(f"{figure}_was") for figure in figures)


def _compute_value_so_far(figure: str) -> pl.Expr:
    """Return a figure of a unit up to the row, in whole millionths; null while it has none."""
    if figure == "activity":
        runs = pl.col("runs").cum_sum().over("key")
        return pl.when(runs > 0).then((runs.log() * MICRO).round()).cast(pl.Int64)
    if figure == "missing":
        runs, known, routings = (pl.col(name).cum_sum().over("key") for name in FIGURES[figure])
        due = pl.max_horizontal(runs, routings)
        return pl.when(due > 0).then(((due - known) * MICRO / due).round()).cast(pl.Int64)
    return _compute_mean_so_far(*FIGURES[figure])


def _compute_mean_so_far(n: str, total: str) -> pl.Expr:
    """Return the mean of the runs of a unit up to the row, in whole millionths; null while it has none."""
    seen = pl.col(n).cum_sum().over("key")
    return pl.when(seen > 0).then((pl.col(total).cum_sum().over("key") / seen).round()).cast(pl.Int64)


def _compute_changes(figure: str, *, with_past: bool = True) -> list[pl.Expr]:
    """Return by how much the rows of a night change the sums over units."""
    now, former = (pl.col(f"{figure}_{when}") for when in ("at", "was"))
    count = now.is_not_null().cast(pl.Int64) - former.is_not_null().cast(pl.Int64)
    now, former = now.fill_null(0).cast(_WHOLE), former.fill_null(0).cast(_WHOLE)
    parts = {"n": count, "x": now - former, "xx": now * now - former * former}
    if with_past:
        past = pl.col("past").fill_null(0)
        parts |= {"h": count * past, "hh": count * past * past, "xh": (now - former) * past}
    return [part.sum().alias(f"{figure}_{name}") for name, part in parts.items()]


def _so_far(changes: pl.DataFrame, arms: int, looks: int, figure: str, names: Sequence[str]) -> pl.DataFrame:
    """Return sums of a figure on every look of every arm, in that order; column `n` and what else is named."""
    grid = pl.select(arm=pl.int_range(arms)).join(pl.select(look=pl.int_range(1, looks + 1)), how="cross")
    filled = grid.join(changes, on=["arm", "look"], how="left").sort("arm", "look")
    return filled.select(
        pl.col(f"{figure}_{name}").fill_null(0).cast(_WHOLE).cum_sum().over("arm").alias(name) for name in names
    )


def _make_moments(sums: pl.DataFrame, looks: int) -> Moments:
    return Moments(
        *_compute_floats(
            sums, looks, pl.col("n").cast(pl.Float64), _compute_mean("x"), _compute_deviations("x", "x", "xx")
        )
    )


def _make_comoments(sums: pl.DataFrame, looks: int) -> CoMoments:
    figures = (pl.col("n").cast(pl.Float64), _compute_mean("h"), _compute_mean("x"))
    products = (
        _compute_deviations("h", "h", "hh"),
        _compute_deviations("x", "x", "xx"),
        _compute_deviations("x", "h", "xh"),
    )
    return CoMoments(*_compute_floats(sums, looks, *figures, *products))


def _compute_floats(sums: pl.DataFrame, looks: int, *figures: pl.Expr) -> list[NDArray[np.float64]]:
    found = sums.select(figure.alias(str(place)) for place, figure in enumerate(figures))
    return [column.to_numpy().reshape(-1, looks) for column in found]


def _compute_mean(total: str) -> pl.Expr:
    """Return the mean of millionths as a figure; NaN without a unit."""
    return expressions.mean_of_sums("n", total, MICRO).fill_null(float("nan"))


def _compute_deviations(a: str, b: str, product: str) -> pl.Expr:
    """Sum of the products of the deviations of a and b; 0 without a unit."""
    return expressions.deviations_of_sums("n", a, b, product, MICRO).fill_null(0.0)
