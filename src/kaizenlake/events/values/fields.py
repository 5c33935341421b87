"""The kinds of payload fields: type, range and unit of a value, named once and used by every event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kaizenlake.events.values.disagreements import Disagreement
from kaizenlake.vocabulary import Figures

INT64_MAX = 2**63 - 1
TEXT_LENGTH = 20_000

Key = Annotated[str, Meta(min_length=1, max_length=200)]
"""An identifier or a category, as the application names it."""

Word = Annotated[str, Meta(max_length=500)]
"""A short text: a name, a reason, a range in words."""

Text = Annotated[str, Meta(max_length=TEXT_LENGTH)]
"""A text of a content or of a person."""

SectionText = Annotated[str, Meta(max_length=50_000)]
"""A text of a section of a pack."""

Document = Annotated[str, Meta(max_length=500_000)]
"""A canonical JSON text, kept to the byte."""

Count = Annotated[int, Meta(ge=0, le=INT64_MAX)]
"""A number of things; never negative."""

Credits = Annotated[float, Meta(ge=0, le=1e15)]
"""A number of things of which parts may be credited, such as conversions that several touches share; never negative."""

Index = Annotated[int, Meta(ge=-INT64_MAX, le=INT64_MAX)]
"""Any whole number, such as a random seed."""

HourOfDay = Annotated[int, Meta(ge=0, le=23)]
"""An hour by the clock."""

Rate = Annotated[float, Meta(ge=0, le=1, extra={"unit": "rate"})]
"""A fraction between 0 and 1."""

Score = Annotated[float, Meta(ge=0, le=100, extra={"unit": "score"})]
"""A mark between 0 and 100."""

Usd = Annotated[float, Meta(ge=0, le=1e12, extra={"unit": "usd"})]
"""Money in US dollars."""

Seconds = Annotated[float, Meta(ge=0, le=1e9, extra={"unit": "seconds"})]
Hours = Annotated[float, Meta(ge=0, le=1e6, extra={"unit": "hours"})]
Days = Annotated[float, Meta(ge=0, le=1e5, extra={"unit": "days"})]

Figure = Annotated[float, Meta(ge=-1e15, le=1e15)]
"""Any finite number whose unit its own name tells."""

Difference = Annotated[float, Meta(ge=-1, le=1)]
"""A difference of two fractions."""

Nights = Annotated[int, Meta(ge=1, le=366)]
"""A number of nights."""

Instant = Annotated[datetime, Meta(tz=True)]
"""A point in time; its zone is part of it."""

Keys = Annotated[list[Key], Meta(max_length=1000)]
"""A list of identifiers or categories."""

Names = Annotated[list[Key], Meta(max_length=10_000)]
"""A long list of identifiers."""

Texts = Annotated[list[Text], Meta(max_length=1000)]
"""A list of texts."""


def says(description: str, *, is_field_name_given: bool = False) -> Meta:
    """Describe a field in a sentence.

    Args:
        description: What the value means, in one sentence.
        is_field_name_given: The name comes from applications that exist, so the unit may be missing from it.
    """
    extra: dict[str, Any] | None = {"name_given": True} if is_field_name_given else None
    return Meta(description=description, extra=extra)


Conversions = Annotated[
    Credits | None, says("Conversions that followed; a platform may credit parts of one.", is_field_name_given=True)
]
"""What followed from a content, an ad, a message or a page."""

Revenue = Annotated[Usd | None, says("Revenue that followed.")]
"""What followed of it in money."""

Clicks = Annotated[Count | None, says("Clicks on it.")]
"""How often it was clicked."""

Roas = Annotated[Figure | None, says("Revenue over spend as the platform reports it.", is_field_name_given=True)]
"""What came of the money spent on it."""

FiguresOf = Annotated[
    Figures | None,
    says("What the counts are of: total so far (if not said), which later ones replace, or of the day."),
]
"""How the counts of a record stand to those of its other days."""

Link = Annotated[Word | None, says("Address it leads to.")]
"""Where it leads."""

Brand = Annotated[Key | None, says("Brand it speaks for.")]
"""Who speaks in it."""


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What an event of one type holds; the subclass's docstring is the event's meaning.

    A subclass names itself by its class name: `LeadCreated` is the event type `LEAD_CREATED`. One whose figures may
    contradict one another says how in `disagreements`, and refuses them in `__post_init__`.
    """

    def disagreements(self) -> Iterator[Disagreement]:
        """Return figures that cannot all be true."""
        return iter(())
