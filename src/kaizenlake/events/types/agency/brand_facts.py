"""Brand events: what is known of the brands that are worked for."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Key, Keys, Payload, Text, Texts, Word, says


class BrandDescribed(Payload, frozen=True, kw_only=True):
    """What is known of a brand was told, all of it: what is left out is not known any more."""

    brand_id: Annotated[Key, says("Brand, as performance and tasks name it.")]
    name: Annotated[Word, says("Name of the brand, as its clients know it.")]
    offer: Annotated[Text | None, says("What it sells.")] = None
    audience: Annotated[Text | None, says("Whom it speaks to.")] = None
    voice: Annotated[Text | None, says("How it speaks.")] = None
    competitors: Annotated[Keys, says("Brands it is compared with.")] = []
    claims: Annotated[Texts, says("Claims that may be made of it; no other is.")] = []
    zone: Annotated[Key | None, says("Time zone it works in, such as Europe/Berlin; UTC where not given.")] = None
    holidays: Annotated[Keys, says("Days on which it does not work, such as 2026-12-25.")] = []
    logo: Annotated[Word | None, says("File or address of its logo.")] = None
    projects: Annotated[Keys, says("Projects that are done for it.")] = []


class BrandNoted(Payload, frozen=True, kw_only=True):
    """Something was learned of a brand that nobody should have to learn again; its time is when it was."""

    brand_id: Annotated[Key, says("Brand it is about.")]
    insight: Annotated[Text, says("What was learned, in words.")]
    told_by: Annotated[Key | None, says("Where it comes from: a person, a meeting, a report.")] = None
