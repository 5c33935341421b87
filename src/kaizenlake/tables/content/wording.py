"""Gold tables of wording: what rules and words are worth in experiments, and what a model of them is worth on later ones."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, rate, table

MODEL_STATUSES = ("usable", "no_model", "too_few")
TERM_KINDS = ("rule", "word", "phrase")


class _OfAModel(OfTenant):
    """Columns that say which model it is."""

    model: str = column("Project whose experiments it was learned from; empty for all projects of the tenant.")


@table(layer="gold", grain=("tenant_id", "model"))
class LearnedValue(_OfAModel):
    """One text model: what it was learned from, and what it is worth on experiments that it never saw.

    It is judged by forward chaining: the experiments are put into six parts by their weeks, and each part is judged by what
    those before it taught. Errors are by experiment. A model that does not tell better from worse wordings beyond chance is no
    model, and nothing of it is used.
    """

    status: str = column(
        "Usable; no model, where it does not beat chance; or too few experiments to learn from.",
        isin=MODEL_STATUSES,
        label="Model",
    )
    experiments: pl.Int64 = count("Experiments with two wordings or more.")
    arms: pl.Int64 = count("Wordings of all experiments that were read.")
    is_english: bool = column("The rules of English read its texts; else words alone, and rules of every language.")
    rules_penalty: float = column("Penalty of the ridge of rules; null without a model.", nullable=True, ge=0)
    words_penalty: float = column("Penalty of the ridge of words; null without a model.", nullable=True, ge=0)
    rules_share: float = column(
        "How much the ridge of rules counts in the sum; null without a model.", nullable=True, ge=0
    )
    words_share: float = column(
        "How much the ridge of words counts in the sum; null without a model.", nullable=True, ge=0
    )
    spread: float = column(
        "Standard deviation of the log rate that it does not explain, beyond chance; null without a model.",
        nullable=True,
        ge=0,
    )
    judged_experiments: pl.Int64 = count("Experiments that were judged by what came before.", label="Judged on")
    pairs: pl.Int64 = count("Pairs of wordings of those whose rates differ.")
    pair_accuracy: float = rate(
        "Share of these pairs whose better wording was predicted; null without one.",
        nullable=True,
        label="Pairs right",
    )
    pair_accuracy_error: float = column("Its standard error; null where it is.", nullable=True, ge=0)
    significant_pairs: pl.Int64 = count("Pairs whose rates differ by more than chance makes of one pair in twenty.")
    significant_accuracy: float = rate(
        "Share of these that were predicted; null without one.", nullable=True, label="Clear pairs right"
    )
    significant_accuracy_error: float = column("Its standard error; null where it is.", nullable=True, ge=0)
    click_gain: float = column(
        "Rate of the wording with the highest score over that of the mean wording, less 1; null without one.",
        nullable=True,
        label="More clicks",
        format="lift",
    )
    click_gain_error: float = column("Its standard error; null where it is.", nullable=True, ge=0)
    slope: float = column(
        "Actual difference for each predicted one: 1 is neither too bold nor too shy; null without one.", nullable=True
    )
    slope_error: float = column("Its standard error; null where it is.", nullable=True, ge=0)
    signs: pl.Int64 = count("Rules whose interval left out 0 when they were learned, over all parts.")
    kept_signs: pl.Int64 = count("Those whose effect had the same sign in the part that followed.")
    kept_sign_rate: float = rate(
        "kept_signs over signs; null without one.", nullable=True, label="Verdicts that kept their sign"
    )
    first_at: Instant = column("When the first of its figures was measured.")
    last_at: Instant = column("When the latest of its figures was measured.")


@table(layer="gold", grain=("tenant_id", "model", "kind", "term"))
class TextEffects(_OfAModel):
    """What one rule, word or phrase does to the clicks of a text, all others of the model alike.

    The effects of a model belong together: a text is worth the product of those that it has, over `centre` of the average
    wording. They come from experiments, each wording beside the other wordings of its experiment.
    """

    kind: str = column("Rule, word, or phrase of two words.", isin=TERM_KINDS)
    term: str = column("Name of the rule, or the word or phrase in lower case.", label="Wording")
    meaning: str = column("What it says of a text.", format="sentence")
    examples: Words = column("Up to two examples: of a rule its own, of a word two texts in which it stands.")
    weight: float = column("Change of the log rate that the model gives it.")
    effect: float = column(
        "Change of the rate beside the other wordings of an experiment, as a fraction.", format="lift", label="Effect"
    )
    ci_low: float = column("Lower end of its interval, with errors by experiment.", format="lift")
    ci_high: float = column("Upper end of its interval.", format="lift")
    tests: pl.Int64 = count("Experiments in which some wording has it.", label="Experiments")
    arms: pl.Int64 = count("Wordings that have it.")
    penalty: float = column("Penalty of its ridge.", ge=0)
    centre: float = column("Mean log rate that the model gives the wordings it was learned from; alike for all.")
    spread: float = column("Standard deviation of the log rate that the model does not explain; alike for all.", ge=0)
    is_english: bool = column("The rules of English read its texts.")
    first_at: Instant = column("When the first figures of its model were measured.")
    last_at: Instant = column("When the latest figures of its model were measured.")
