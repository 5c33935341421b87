"""Gold tables of the funnel: what became of leads and messages, how long deals take, and what won deals share."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, column, count, rate, table

LEAD_OUTCOMES = ("open", "won", "lost")
ALL_LEADS = "all"
"""The dimension that holds every lead, with this as its only value."""

_CLIENT = "Kind of client, of the lead or else of its project; null where unknown."
_INDUSTRY = "Industry, of the lead or else of its project; null where unknown."


@table(layer="gold", grain=("tenant_id", "project_id", "lead_id"))
class Leads(OfTenant):
    """One lead: where it came from, when it reached each stage, and what became of it."""

    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    lead_id: str = column("Lead, as the CRM names it.")
    source: str = column("Where the lead came from; null where unknown.", nullable=True)
    industry: str = column(_INDUSTRY, nullable=True)
    client_type: str = column(_CLIENT, nullable=True)
    icp_match_score: float = rate("How well it fits the ideal customer profile; null where not scored.", nullable=True)
    created_at: Instant = column("When it entered the funnel; null where no event says so.", nullable=True)
    contacted_at: Instant = column("Its first message; null where none was sent.", nullable=True)
    replied_at: Instant = column("Its first reply; null where there is none.", nullable=True)
    qualified_at: Instant = column("When it was first qualified; null where it was not.", nullable=True)
    appointment_at: Instant = column("When its first appointment was made; null where none was.", nullable=True)
    won_at: Instant = column("When the deal was won; null where it is not.", nullable=True)
    lost_at: Instant = column("When it was lost; null where it is not.", nullable=True)
    first_touch: str = column("Channel of its first message; null where none was sent.", nullable=True)
    last_touch: str = column("Channel of its last message before its end; null where none was sent.", nullable=True)
    last_touch_at: Instant = column("Time of that message; null where none was sent.", nullable=True)
    outcome: str = column("What became of it: the later of won and lost, else open.", isin=LEAD_OUTCOMES)
    deal_size: float = column("Value of the deal; null where not won, or not told.", unit="usd", nullable=True)
    pack_sold: str = column("Pack that was sold; null where not won, or not told.", nullable=True)
    days_to_close: float = column(
        "Days from its creation to the deal; what the deal says where the creation is unknown; null where not won.",
        unit="days",
        nullable=True,
    )
    lost_reason: str = column("Why it was lost, in words; null where it was not, or nobody said.", nullable=True)


@table(layer="gold", grain=("tenant_id", "source", "industry", "client_type", "month"))
class Funnel(OfTenant):
    """The leads of one source and segment that were created in one month, and how far they came."""

    source: str = column("Where the leads came from; null where unknown.", nullable=True)
    industry: str = column(_INDUSTRY, nullable=True)
    client_type: str = column(_CLIENT, nullable=True)
    month: pl.Date = column("First day of the UTC month in which they were created; null where unknown.", nullable=True)
    is_over: bool = column("The window of the month is over, so that its rates are final enough to be compared.")
    leads: pl.Int64 = column("Leads.", ge=1)
    contacted: pl.Int64 = count("Leads to which a message was sent.")
    replied: pl.Int64 = count("Leads that replied.")
    qualified: pl.Int64 = count("Leads that were qualified.")
    appointment: pl.Int64 = count("Leads with an appointment.", label="Appointments")
    won: pl.Int64 = count(
        "Leads that became clients to date, however late; `icp_patterns` counts wins within the window."
    )
    lost: pl.Int64 = count("Leads that were lost.")
    open: pl.Int64 = count("Leads that are neither won nor lost.")
    won_value: float = column("Value of the deals that were won and have one.", unit="usd", ge=0)
    deals_with_value: pl.Int64 = count("Deals of which the value is known.")
    contacted_rate: float = rate("Contacted over leads; null until the window is over.", nullable=True)
    contacted_rate_low: float = rate("Lower end of its Wilson interval.", nullable=True)
    contacted_rate_high: float = rate("Upper end of its Wilson interval.", nullable=True)
    replied_rate: float = rate("Replied over leads; null until the window is over.", nullable=True)
    replied_rate_low: float = rate("Lower end of its Wilson interval.", nullable=True)
    replied_rate_high: float = rate("Upper end of its Wilson interval.", nullable=True)
    qualified_rate: float = rate("Qualified over leads; null until the window is over.", nullable=True)
    qualified_rate_low: float = rate("Lower end of its Wilson interval.", nullable=True)
    qualified_rate_high: float = rate("Upper end of its Wilson interval.", nullable=True)
    appointment_rate: float = rate("With an appointment over leads; null until the window is over.", nullable=True)
    appointment_rate_low: float = rate("Lower end of its Wilson interval.", nullable=True)
    appointment_rate_high: float = rate("Upper end of its Wilson interval.", nullable=True)
    won_rate: float = rate(
        "All wins to date over all leads of the month, open ones among them; null until the window is over, and where the "
        "tenant records won leads alone.",
        nullable=True,
    )
    won_rate_low: float = rate("Lower end of its Wilson interval.", nullable=True)
    won_rate_high: float = rate("Upper end of its Wilson interval.", nullable=True)


@table(layer="gold", grain=("tenant_id", "template_id", "channel", "industry", "client_type"))
class OutreachPerformance(OfTenant):
    """The messages of one template on one channel to one segment: how many were answered, and how."""

    template_id: str = column("Template of the messages; null where unknown.", nullable=True)
    channel: str = column("Channel, such as email; null where unknown.", nullable=True)
    industry: str = column(_INDUSTRY, nullable=True)
    client_type: str = column(_CLIENT, nullable=True)
    sent: pl.Int64 = column("Messages.", ge=1)
    replied: pl.Int64 = count("Messages that were answered to date.")
    decided: pl.Int64 = count("Messages whose time to be answered is over.")
    replied_in_time: pl.Int64 = count("Those of them that were answered within that time.")
    reply_rate: float = rate("Replied in time over decided; null where none is decided.", nullable=True)
    reply_rate_low: float = rate("Lower end of its Wilson interval.", nullable=True)
    reply_rate_high: float = rate("Upper end of its Wilson interval.", nullable=True)
    shrunk_reply_rate: float = rate(
        "Reply rate drawn toward all of its channel (empirical-Bayes beta-binomial); null where none is decided.",
        nullable=True,
    )
    judged: pl.Int64 = count("Replies of which the tone is known.")
    positive: pl.Int64 = count("Those of them that are positive.")
    positive_share: float = rate("Positive over judged; null where none is judged.", nullable=True)
    others_rate: float = rate(
        "Reply rate of the other templates on the same channel to the same segment; null without others.", nullable=True
    )
    p_value: float = rate(
        "p of the difference from them; null without others.", nullable=True, label="p-value", format="q"
    )
    q_value: float = rate(
        "p corrected within the channel (Benjamini-Hochberg); null where p is.",
        nullable=True,
        label="q-value",
        format="q",
    )


@table(layer="gold", grain=("tenant_id", "dimension", "value"))
class TimeToClose(OfTenant):
    """How many days pass from lead to deal, for all leads and by source and segment (Kaplan-Meier)."""

    dimension: str = column("What the leads share, such as source; `all` for every lead.", format="words")
    value: str = column("Its value.")
    leads: pl.Int64 = column(
        "Leads whose creation is known, and no later than their end; the funnel counts the others too.", ge=1
    )
    won: pl.Int64 = count("Leads that became clients, however late.")
    lost: pl.Int64 = count("Leads that were lost; censored when they were.")
    open: pl.Int64 = count("Leads that are open; censored tonight.")
    quarter_days: float = column(
        "Days by which a quarter of the leads would be won if none were lost; null where never.",
        unit="days",
        nullable=True,
        format="elapsed_days",
    )
    quarter_days_low: float = column(
        "Lower end of its interval; null without one.", unit="days", nullable=True, format="elapsed_days"
    )
    quarter_days_high: float = column(
        "Upper end of its interval; null without one.", unit="days", nullable=True, format="elapsed_days"
    )
    median_days: float = column(
        "Days by which half of the leads would be won if none were lost; null where never.",
        unit="days",
        nullable=True,
        format="elapsed_days",
    )
    median_days_low: float = column(
        "Lower end of its interval; null without one.", unit="days", nullable=True, format="elapsed_days"
    )
    median_days_high: float = column(
        "Upper end of its interval; null without one.", unit="days", nullable=True, format="elapsed_days"
    )
    three_quarter_days: float = column(
        "Days by which three quarters of the leads would be won if none were lost; null where never.",
        unit="days",
        nullable=True,
        format="elapsed_days",
    )
    three_quarter_days_low: float = column(
        "Lower end of its interval; null without one.", unit="days", nullable=True, format="elapsed_days"
    )
    three_quarter_days_high: float = column(
        "Upper end of its interval; null without one.", unit="days", nullable=True, format="elapsed_days"
    )


@table(layer="gold", grain=("tenant_id", "dimension", "value"))
class IcpPatterns(OfTenant):
    """What won deals share: one value of one attribute of leads, alone and beside the other attributes."""

    dimension: str = column("Attribute of the lead, such as industry.", format="words")
    value: str = column("Its value.")
    leads: pl.Int64 = column("Leads with it that are old enough to be judged.", ge=1)
    won: pl.Int64 = count(
        "Those that became clients within the window of the funnel (`funnel.window_days`) after their creation. The funnel "
        "counts later wins too."
    )
    won_rate: float = rate("Won over leads.")
    others_rate: float = rate("The same of all other leads; null without others.", nullable=True)
    lift: float = column(
        "Won rate over that of the others, less 1; null where that is 0.", nullable=True, format="lift"
    )
    lift_low: float = column("Lower end of its interval.", nullable=True, format="lift")
    lift_high: float = column("Upper end of its interval.", nullable=True, format="lift")
    p_value: float = rate("p of the difference; null without others.", nullable=True, label="p-value", format="q")
    q_value: float = rate(
        "p corrected within the attribute (Benjamini-Hochberg); null where p is.",
        nullable=True,
        label="q-value",
        format="q",
    )
    coefficient: float = column(
        "Change of the log odds beside the other attributes, against the commonest value; null with a reason.",
        nullable=True,
    )
    coefficient_low: float = column("Lower end of its interval.", nullable=True)
    coefficient_high: float = column("Upper end of its interval.", nullable=True)
    reason: str = column("Why there is no coefficient; null where there is one.", nullable=True)


@table(layer="gold", grain=("tenant_id", "predicted_fifth"))
class IcpCalibration(OfTenant):
    """What the model of won deals promised to leads that it had not seen, and what came: one fifth of the leads."""

    predicted_fifth: pl.Int64 = column("Fifth of the leads by predicted chance, 1 the lowest.", ge=1, le=5)
    leads: pl.Int64 = column("Leads in it.", ge=1)
    predicted_rate: float = rate("Mean chance that the model gave them.")
    won_rate: float = rate("Share of them that became clients within the window of the funnel.")
    won_rate_low: float = rate("Lower end of its Wilson interval.")
    won_rate_high: float = rate("Upper end of its Wilson interval.")
