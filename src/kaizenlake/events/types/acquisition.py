"""Acquisition events: leads, outreach and deals."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Days, Instant, Key, Payload, Rate, Score, Usd, Word, says


class _Lead(Payload, frozen=True, kw_only=True):
    """What every acquisition event says of its lead."""

    lead_id: Annotated[Key, says("Lead, as the CRM names it.")]


class LeadCreated(_Lead, frozen=True, kw_only=True):
    """A lead entered the funnel."""

    source: Annotated[Key | None, says("Where the lead came from, such as website.")] = None
    icp_match_score: Annotated[
        Rate | None, says("How well the lead fits the ideal customer profile.", is_field_name_given=True)
    ] = None
    industry: Annotated[Key | None, says("Industry of the lead.")] = None
    client_type: Annotated[Key | None, says("Kind of client, such as startup or enterprise.")] = None


class OutreachSent(_Lead, frozen=True, kw_only=True):
    """A message was sent to a lead."""

    channel: Annotated[Key, says("Channel of the message, such as email.")]
    template_id: Annotated[Key | None, says("Template of the message.")] = None
    message_id: Annotated[Key | None, says("Message, where the channel names it; joins a reply to its message.")] = None


class OutreachReplied(_Lead, frozen=True, kw_only=True):
    """A lead replied to a message."""

    channel: Annotated[Key, says("Channel of the reply, such as email.")]
    intent: Annotated[Key | None, says("What the lead wants, such as interested.")] = None
    sentiment: Annotated[Key | None, says("Tone of the reply, such as positive.")] = None
    message_id: Annotated[Key | None, says("Message that is replied to, where the channel names it.")] = None


class LeadQualified(_Lead, frozen=True, kw_only=True):
    """A lead was found worth pursuing."""

    qualification_score: Annotated[Score | None, says("Mark of the qualification, 0 to 100.")] = None
    budget_range: Annotated[Word | None, says("Budget in words, as the lead named it.")] = None


class LeadLost(_Lead, frozen=True, kw_only=True):
    """A lead was lost."""

    reason: Annotated[Word | None, says("Why it was lost, in words.")] = None
    lost_to: Annotated[Key | None, says("Competitor it was lost to.")] = None


class DealWon(_Lead, frozen=True, kw_only=True):
    """A lead became a client."""

    deal_size: Annotated[Usd | None, says("Value of the deal in US dollars.", is_field_name_given=True)] = None
    pack_sold: Annotated[Key | None, says("Pack that was sold.")] = None
    days_to_close: Annotated[
        Days | None, says("Days from the first contact to the deal.", is_field_name_given=True)
    ] = None


class AppointmentScheduled(_Lead, frozen=True, kw_only=True):
    """An appointment with a lead was made."""

    scheduled_for: Annotated[Instant | None, says("Instant of the appointment, with its zone.")] = None
    channel: Annotated[Key | None, says("How they meet, such as call.")] = None
