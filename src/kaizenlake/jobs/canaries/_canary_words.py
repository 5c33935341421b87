"""Why a look says what it says: one sentence with its numbers."""

from __future__ import annotations

import polars as pl

from kaizenlake.jobs._fill_in import fill_in


def reason() -> pl.Expr:
    """Return the reason of a verdict, from the columns of a look and those that only the job knows.

    Beside the columns of `gold.canary_looks` it reads `minimum_units`, `horizon_nights`, `tolerated`, `worse_since_look`,
    `sample_ratio_alpha`, whether the sizes are `uneven`, since when runs are missing (`runs_ratio_since`) or have no loss
    (`missing_since`), of the guardrails `broken_words`, `unclear_words` and `left_out_words`, and of the night whether it was `silent`
    (without any run of a unit) or `fresh` (and `fresh_control`: with runs that count).
    """
    verdict, shadow = pl.col("verdict"), pl.col("deployment_mode") == "shadow"
    look, crossed = pl.col("look"), pl.col("crossed_on_look")
    effect = fill_in(
        "effect {} (over all nights {} to {})",
        figure("effect"),
        figure("sequential_ci_low"),
        figure("sequential_ci_high"),
    )
    spent = pl.when(pl.col("boundary_p") == 0.0).then(pl.lit("0")).otherwise(chance("boundary_p"))
    evidence = fill_in("p {} against {} at night {}", chance("p_boundary"), spent, look)
    needed = pl.max_horizontal("minimum_units", pl.lit(2))
    few = pl.min_horizontal("units", "units_control") < needed
    gain = (
        pl.when(shadow)
        .then(fill_in("Not worse by the {} that is tolerated", figure("tolerated")))
        .otherwise(pl.lit("The loss is lower"))
    )
    missing_first = (pl.col("missing_since") > 0) & (
        (pl.col("runs_ratio_since") == 0) | (pl.col("missing_since") <= pl.col("runs_ratio_since"))
    )
    since = pl.when(crossed == look).then(pl.lit("")).otherwise(fill_in(", crossed on night {}", crossed))
    return _add_left_out(
        pl.when(verdict == "invalid", "uneven")
        .then(
            fill_in(
                "The sizes of the arms are not those of the allocation: p {} of the sample ratio is below {}, {} units "
                "against {}.",
                chance("sample_ratio_p"),
                figure("sample_ratio_alpha"),
                pl.col("units"),
                pl.col("units_control"),
            )
        )
        .when(verdict == "invalid", missing_first)
        .then(
            fill_in(
                "{} the share of runs without a loss {} the same under both versions, so the comparison means "
                "nothing: of what a unit was to run {} has no loss under {}, and {} under {} ({} of {} runs against "
                "{} of {}{}; {}p {}).",
                *_since("missing_since", pl.col("missing_p") <= pl.col("missing_level"), "is not", "was not"),
                percent("missing_share"),
                "policy_version",
                percent("missing_share_control"),
                "control_version",
                "runs_without_loss",
                "runs",
                "runs_without_loss_control",
                "runs_control",
                pl.when(pl.col("units_not_run") + pl.col("units_not_run_control") > 0)
                .then(
                    fill_in(
                        ", and {} units against {} were routed and never ran", "units_not_run", "units_not_run_control"
                    )
                )
                .otherwise(pl.lit("")),
                _by_now(pl.col("missing_p") <= pl.col("missing_level")),
                chance("missing_p"),
            )
        )
        .when(verdict == "invalid")
        .then(
            fill_in(
                "{} runs of one version {} missing, or come more often: {} runs of {} against {} of {}, by unit {}p {}.",
                *_since("runs_ratio_since", pl.col("runs_ratio_p") <= pl.col("runs_ratio_level"), "are", "were"),
                "runs",
                "policy_version",
                "runs_control",
                "control_version",
                _by_now(pl.col("runs_ratio_p") <= pl.col("runs_ratio_level")),
                chance("runs_ratio_p"),
            )
        )
        .when(verdict == "rollback", pl.col("worse_since_look") > 0)
        .then(
            fill_in(
                "{} the loss {} surely higher by more than the {} that is tolerated: {}{}.",
                *_since("worse_since_look", pl.col("sequential_ci_low") > pl.col("tolerated"), "is", "was"),
                figure("tolerated"),
                _by_now(pl.col("sequential_ci_low") > pl.col("tolerated")),
                effect,
            )
        )
        .when(verdict == "rollback")
        .then(fill_in("Guardrails are broken: {}.", pl.col("broken_words")))
        .when(verdict == "promote")
        .then(fill_in("{}: {}, {}{}.", gain, effect, evidence, since))
        .when(few)
        .then(
            fill_in(
                "{}The smaller arm has {} of the {} units that a verdict needs ({} against {}).",
                _describe_pause(),
                pl.min_horizontal("units", "units_control"),
                needed,
                pl.col("units"),
                pl.col("units_control"),
            )
        )
        .when(verdict == "insufficient")
        .then(
            fill_in(
                "{}The losses do not vary, so nothing can be tested: {} units against {}, effect {}.",
                _describe_pause(),
                pl.col("units"),
                pl.col("units_control"),
                figure("effect"),
            )
        )
        .when(~(pl.col("fresh") & pl.col("fresh_control")))
        .then(fill_in("{}So far: {}{}.", _describe_pause(), effect, _describe_crossing()))
        .when(look == pl.col("horizon_nights"), pl.col("unclear_words").is_null() | crossed.is_null())
        .then(
            fill_in("The planned nights are over without a decision: {}, {}{}.", effect, evidence, _describe_crossing())
        )
        .when(crossed.is_not_null(), pl.col("unclear_words").is_not_null())
        .then(
            fill_in(
                "{}The loss crossed its boundary on night {} ({}), but not every guardrail is shown to be held: {}.",
                pl.when(look == pl.col("horizon_nights"))
                .then(pl.lit("The planned nights are over without a decision. "))
                .otherwise(pl.lit("")),
                crossed,
                effect,
                pl.col("unclear_words"),
            )
        )
        .otherwise(
            fill_in("Not decided yet: {}, {} of {}{}.", effect, evidence, "horizon_nights", _describe_crossing())
        )
    )


def _since(look: str, holds: pl.Expr, now: str, then: str) -> tuple[pl.Expr, pl.Expr]:
    """Return since when a finding holds, or on which look it was made where the figures of this one would not make it; and the verb."""
    still = holds.fill_null(value=False)
    when = pl.when(still).then(fill_in("Since night {}", look)).otherwise(fill_in("On night {}, which decides,", look))
    return when, pl.when(still).then(pl.lit(now)).otherwise(pl.lit(then))


def _by_now(holds: pl.Expr) -> pl.Expr:
    """Return what is to be said before figures that would not make a finding that stands."""
    return pl.when(holds.fill_null(value=False)).then(pl.lit("")).otherwise(pl.lit("by now "))


def _add_left_out(words: pl.Expr) -> pl.Expr:
    """Return the reason, and behind it the guardrails that do not count."""
    more = fill_in(
        " Left out: the guardrail of {}, which only the settings name and no run of {} told in the last 30 days.",
        pl.col("left_out_words"),
        "control_version",
    )
    return pl.when(pl.col("left_out_words").is_null()).then(words).otherwise(pl.concat_str(words, more))


def figure(name: str) -> pl.Expr:
    """Return a figure as it is read: three significant digits to the sixth decimal, or `unknown`."""
    return pl.col(name).round_sig_figs(3).round(6).cast(pl.String).fill_null("unknown")


def chance(name: str) -> pl.Expr:
    """Return a probability as it is read: as a figure, and `below 0.0001` for a smaller one."""
    return pl.when(pl.col(name) < 1e-4).then(pl.lit("below 0.0001")).otherwise(figure(name))


def percent(name: str) -> pl.Expr:
    """Return a share as it is read: in percent, three significant digits to the second decimal, or `unknown`."""
    share = (pl.col(name) * 100.0).round_sig_figs(3).round(2)
    return pl.when(pl.col(name).is_null()).then(pl.lit("unknown")).otherwise(fill_in("{} %", share))


def _describe_pause() -> pl.Expr:
    """Return what is to be said first of a night that brought one of the arms nothing."""
    words = "No run{} came{} on this night, and no data is a pause. "
    under = {name: fill_in(" under {}", name) for name in ("policy_version", "control_version")}
    nothing, counting = pl.lit(""), pl.lit(" that counts")
    return (
        pl.when("silent")
        .then(fill_in(words, nothing, nothing))
        .when("fresh", "fresh_control")
        .then(nothing)
        .when("fresh_control")
        .then(fill_in(words, counting, under["policy_version"]))
        .when("fresh")
        .then(fill_in(words, counting, under["control_version"]))
        .otherwise(fill_in(words, counting, nothing))
    )


def _describe_crossing() -> pl.Expr:
    crossed = pl.col("crossed_on_look")
    return pl.when(crossed.is_null()).then(pl.lit("")).otherwise(fill_in(", crossed on night {}", crossed))
