"""Gold tables of creations: what contents were made from, and whether their figures came."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, column, count, rate, table
from kaizenlake.tables.content.posts import FeaturesOfText

UPLIFT_STATUSES = ("better", "worse", "unclear", "too_few", "nobody_held_out")
UPLIFT_BASES = ("experiment", "observation")


class _Creation(OfTenant):
    created_as: str = column("Content, as the application that made it names it.")
    created_project: str = column("Project it was made in; null where none was given.", nullable=True)
    created_for: str = column("Platform it was made for; null for any.", nullable=True)
    creation_id: str = column("Event that tells of it: the latest.")


@table(layer="gold", grain=("tenant_id", "content_id", "created_as", "created_project", "created_for"))
class ContentOrigins(FeaturesOfText, _Creation):
    """One name by which figures may call a content that was made, its own or its platform's, and what it was made from."""

    content_id: str = column("The name: its content id, or its external id.")
    is_external: bool = column("The name is that of the platform.")
    created_at: Instant = column("When it was made.")
    generation_id: str = column("Generation that it came out of; null where not given.", nullable=True)
    tone: str = column("Tone; null where not given.", nullable=True)
    pillar: str = column("Content pillar; null where not given.", nullable=True)
    brand_id: str = column("Brand it speaks for; null where not given.", nullable=True)
    context_sha256: str = column("SHA-256 of the context it was made with; null without one.", nullable=True)
    held_out: bool = column("The context was held back from it on purpose; null where not said.", nullable=True)
    unit_id: str = column("What was drawn for it, such as its brief; null where not said.", nullable=True)
    text: str = column("Its text, cut to 280 characters; null where none was recorded.", nullable=True)


@table(layer="gold", grain=("tenant_id", "external_id", "created_as", "created_project", "created_for"))
class ExternalOrigins(_Creation):
    """One content that was made, by the name that its platform has for it."""

    external_id: str = column("The content as its platform names it.")


@table(layer="gold", grain=("tenant_id", "project_id"))
class ContentMatches(OfTenant):
    """Of one project, how many contents that were made have figures, and how many that have figures are known to have been made."""

    project_id: str = column("Project; null where none was given.", nullable=True)
    created: pl.Int64 = count("Contents that were made.")
    created_matched: pl.Int64 = count("Those of them of which there are figures.")
    created_unmatched: pl.Int64 = count("Those of them of which there are none yet.")
    measured: pl.Int64 = count("Contents that have figures, each platform apart.")
    measured_matched: pl.Int64 = count("Those of them that are known to have been made.")
    measured_unmatched: pl.Int64 = count("Those of them of which nobody told how they were made.")


@table(layer="gold", grain=("tenant_id", "basis", "metric"))
class KaizenUplift(OfTenant):
    """Results of contents made with a published context against those made without one.

    As an experiment: units that were drawn, such as briefs, with the context against those from which it was held back. As an
    observation: whatever was made with one against whatever was made without; that may differ for other reasons.
    """

    basis: str = column("Drawn by chance, or only observed.", isin=UPLIFT_BASES, label="Known from")
    metric: str = column("Rate that is compared.", isin=("click_rate", "engagement_rate"))
    status: str = column(
        "Better or worse where the interval leaves out none; too few units or projects; or nobody held out.",
        isin=UPLIFT_STATUSES,
        label="With contexts",
    )
    units_with: pl.Int64 = count("Units with a context and a known rate, such as briefs; contents where observed.")
    units_without: pl.Int64 = count("Units without one.", label="Units without")
    contents_with: pl.Int64 = count("Contents of those with a context.")
    contents_without: pl.Int64 = count("Contents of those without one.")
    projects: pl.Int64 = count("Projects that have both, over which the difference is pooled.")
    left_out: pl.Int64 = count("Units that were left out, since they are of both sides.")
    rate_with: float = rate("Mean rate of the units with a context; null without one.", nullable=True)
    rate_without: float = rate("Mean rate of the units without one; null without one.", nullable=True)
    lift: float = column(
        "Rate with a context over that without, within projects, less 1; null where no project has both.",
        nullable=True,
        ge=-1,
        format="lift",
    )
    ci_low: float = column("Lower end of its interval, which holds on all nights together.", nullable=True, ge=-1)
    ci_high: float = column("Upper end of it.", nullable=True, ge=-1)
    p_value: float = rate("Always-valid p-value; null where too little is known.", nullable=True)
