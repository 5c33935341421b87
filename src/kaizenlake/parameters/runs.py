"""What a run of an agent loses and costs, and how that moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from math import fsum, isclose
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from kaizenlake.parameters.base import (
    Days,
    Dollars,
    ParameterGroup,
    Positive,
    Share,
    Text,
)

WEIGHTS = {
    "gates": "wq",
    "contradictions": "wg",
    "grounding": "wr",
    "cost": "wc",
    "latency": "wt",
    "security": "ws",
    "api": "wa",
    "migration": "wd",
    "rag": "wrag",
}
"""The nine terms of the loss of a run, and the name that the weight of each has in settings."""


class LossOverride(ParameterGroup):
    """Weights that stand in place of all nine for the runs of a tenant, of a phase, or of a tenant in a phase."""

    tenant: Text | None = Field(default=None, description="Tenant; left out, the weights are of every tenant.")
    phase: Text | None = Field(default=None, description="Phase; left out, the weights are of every phase.")
    wq: Share = Field(default=0.0, description="Weight of the gates not passed.")
    wg: Share = Field(default=0.0, description="Weight of contradictions.")
    wr: Share = Field(default=0.0, description="Weight of what is not grounded.")
    wc: Share = Field(default=0.0, description="Weight of cost over budget.")
    wt: Share = Field(default=0.0, description="Weight of time over budget.")
    ws: Share = Field(default=0.0, description="Weight of critical security findings.")
    wa: Share = Field(default=0.0, description="Weight of broken interfaces.")
    wd: Share = Field(default=0.0, description="Weight of a failed database migration.")
    wrag: Share = Field(default=0.0, description="Weight of what retrieval did not find.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.tenant is None and self.phase is None:
            raise ValueError("an override names a tenant, a phase or both; weights of all runs stand in [loss] itself")
        _check_sum(self)
        return self


class LossTerm(ParameterGroup):
    """A term of a team's own: a numeric field of RUN_COMPLETED or RUN_SCORED, brought to [0, 1] by a rule, and its weight."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)] = Field(description="Name of the term.")
    field: Text = Field(description="Numeric field of RUN_COMPLETED or RUN_SCORED that it is made of.")
    rule: Literal["rate", "missing_rate", "count", "overrun"] = Field(
        description="rate: the value; missing_rate: 1 less the value; count: value / (value + half); "
        "overrun: value / budget - 1, as of cost. What lies outside [0, 1] is clipped."
    )
    half: Positive | None = Field(default=None, description="Value at which a `count` is one half.")
    budget: Positive | None = Field(default=None, description="Value from which an `overrun` begins.")
    weight: Positive = Field(description="Weight beside the nine, whose weights sum to 1; all are then scaled to 1.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        needed = {"count": "half", "overrun": "budget"}.get(self.rule)
        given = {name for name in ("half", "budget") if getattr(self, name) is not None}
        if given != ({needed} if needed else set()):
            raise ValueError(f"a term by the rule {self.rule!r} needs {needed or 'neither half nor budget'}, alone")
        if self.name in WEIGHTS:
            raise ValueError(f"{self.name!r} is one of the nine terms; give it another name")
        return self


class LossRules(ParameterGroup):
    """How much each term weighs in the loss of a run, and how it is brought to [0, 1]; the nine weights sum to 1."""

    wq: Share = Field(default=0.25, description="Weight of the gates not passed.")
    wg: Share = Field(default=0.10, description="Weight of contradictions.")
    wr: Share = Field(default=0.15, description="Weight of what is not grounded.")
    wc: Share = Field(default=0.10, description="Weight of cost over budget.")
    wt: Share = Field(default=0.05, description="Weight of time over budget.")
    ws: Share = Field(default=0.15, description="Weight of critical security findings.")
    wa: Share = Field(default=0.08, description="Weight of broken interfaces.")
    wd: Share = Field(default=0.07, description="Weight of a failed database migration.")
    wrag: Share = Field(default=0.05, description="Weight of what retrieval did not find.")
    contradictions_half: Positive = Field(default=3.0, description="Contradictions at which their term is one half.")
    security_half: Positive = Field(
        default=1.0, description="Critical security findings at which their term is one half."
    )
    api_half: Positive = Field(default=1.0, description="Broken interfaces at which their term is one half.")
    full_overrun: Positive = Field(
        default=1.0,
        description="Overrun, as a share of the budget, from which cost and time count in full; 1 is twice the budget.",
    )
    overrides: tuple[LossOverride, ...] = Field(
        default=(),
        description="Weights of a tenant, a phase or both, in place of all nine (what is not named weighs 0), "
        'such as [{tenant = "acme", phase = "draft", wq = 0.6, wr = 0.4}]. Tenant and phase go before tenant, '
        "tenant before phase.",
    )
    terms: tuple[LossTerm, ...] = Field(
        default=(),
        description="Terms of your own, such as "
        '[{name = "verbosity", field = "output_tokens", rule = "count", half = 4000, weight = 0.1}].',
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _check_sum(self)
        _check_doubles("override of", (f"tenant {item.tenant}, phase {item.phase}" for item in self.overrides))
        _check_doubles("term", (item.name for item in self.terms))
        return self


class Trends(ParameterGroup):
    """When the loss of a doer counts as better or worse."""

    half_life_days: Days = Field(default=7, description="Days after which a day weighs half in the moving average.")
    runs: Annotated[int, Field(ge=2)] = Field(
        default=10, description="Fewest runs in a window, and in the one before it, for a direction."
    )
    flat_change: Share = Field(
        default=0.01,
        description="Change of the mean loss that does not matter: an interval within it is flat, and no smaller rise raises an "
        "alert.",
    )
    small_difference: Share = Field(
        default=0.05,
        description="Difference between versions below which there is none worth speaking of: an interval within it that holds "
        "0 says so.",
    )
    baseline_days: Annotated[int, Field(ge=10, le=366)] = Field(
        default=30, description="Days with runs of an agent before its control chart says anything."
    )
    days_per_false_alarm: Annotated[float, Field(ge=20, le=1e6)] = Field(
        default=300.0,
        description="Days between false alarms of one control chart while nothing changes, on average over agents; the README "
        "shows what kinds of traffic make of it.",
    )


class ModelPrice(ParameterGroup):
    """What a model costs from a day on, in US dollars a million tokens."""

    model: Text = Field(description="Model, as traces name it; case makes no difference.")
    from_date: date = Field(description="First UTC day of the price.")
    input_usd: Dollars = Field(description="A million tokens read.")
    output_usd: Dollars = Field(description="A million tokens written.")
    cache_read_usd: Dollars | None = Field(
        default=None, description="A million tokens read from a cache; input_usd where not given."
    )
    cache_write_usd: Dollars | None = Field(
        default=None, description="A million tokens written to a cache; input_usd where not given."
    )


class Costs(ParameterGroup):
    """What models cost where their traces do not tell."""

    price_file: str = Field(
        default="",
        description="CSV of the team's own prices, beside kaizen.toml: model, from_date, input_usd, output_usd, cache_read_usd, "
        "cache_write_usd; US dollars a million tokens, from a day on.",
    )
    prices: tuple[ModelPrice, ...] = Field(
        default=(), description="The same prices as tables; those of the file are added."
    )

    @model_validator(mode="after")
    def _check_told_once(self) -> Self:
        told = Counter((price.model.lower(), price.from_date) for price in self.prices)
        if twice := [f"{model} from {day}" for (model, day), times in told.items() if times > 1]:
            raise ValueError(f"a model has one price from one day on; {', '.join(sorted(twice))} has several")
        return self


CurrencyCode = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class ExchangeRate(ParameterGroup):
    """What a currency is worth from a day on."""

    currency: CurrencyCode = Field(description="Code of the currency, such as EUR.")
    from_date: date = Field(description="First UTC day of the rate.")
    usd: Annotated[float, Field(gt=0, le=1e6)] = Field(description="US dollars for one unit of it.")


class Money(ParameterGroup):
    """What amounts of foreign tables are in, and what they are worth in US dollars."""

    currency: CurrencyCode = Field(
        default="USD", description="What an amount is in where nothing says its currency, and what reports show."
    )
    rate_file: str = Field(
        default="",
        description="CSV of the team's own rates, beside kaizen.toml: currency, from_date, usd; US dollars for one unit, from a "
        "day on.",
    )
    rates: tuple[ExchangeRate, ...] = Field(
        default=(), description="The same rates as tables; those of the file are added."
    )

    @model_validator(mode="after")
    def _check_said_once(self) -> Self:
        told = Counter((rate.currency, rate.from_date) for rate in self.rates)
        if twice := [f"{currency} from {day}" for (currency, day), times in told.items() if times > 1]:
            raise ValueError(f"a currency has one rate from one day on; {', '.join(sorted(twice))} has several")
        return self


def _check_sum(weights: BaseModel) -> None:
    total = fsum(getattr(weights, name) for name in WEIGHTS.values())
    if not isclose(total, 1.0, rel_tol=0.0, abs_tol=1e-9):
        raise ValueError(f"the weights {', '.join(WEIGHTS.values())} must sum to 1; they sum to {total:g}")


def _check_doubles(what: str, names: Iterable[str]) -> None:
    if doubles := [name for name, times in Counter(names).items() if times > 1]:
        raise ValueError(f"there is more than one {what} {doubles[0]}")
