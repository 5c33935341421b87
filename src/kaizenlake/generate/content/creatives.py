"""Make posts for a brief, by what the published context recommends; drafts are ranked by the text model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from kaizenlake.context import Loaded, Score, Scorer
from kaizenlake.errors import KaizenError
from kaizenlake.generate.content.banned import find_banned
from kaizenlake.generate.content.guidance import ContextFacts, Guidance, read_guidance
from kaizenlake.generate.content.means import GenerationMeans, describe_banned, find_means, new_id, render_brief
from kaizenlake.generate.content.strategies import SYSTEM, GeneratedStrategy
from kaizenlake.generate.language_model.generator import Generator, GeneratorError, GeneratorRequest
from kaizenlake.lake.store import Lake

DRAFTS = 4
"""Drafts of a post that a model is asked for."""

MOST_CREATIVES = 50
"""Most posts of one call."""

LONGEST = {"twitter": 280, "x": 280}
"""Characters that a platform takes, where a longer post is none."""


class DraftsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Drafts of one post, as a language model answers them."""

    drafts: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=5_000)]],
        Meta(min_length=1, max_length=20, description="Different drafts of the post, each its whole text."),
    ]


@dataclass(frozen=True)
class GeneratedCreative:
    """A post that was made.

    Args:
        content_id: Its name; figures that name it are about this post.
        platform: Platform that it is for.
        tone: Its tone.
        pillar: Its pillar; None where no pillar is known.
        text: Its text; None where nothing writes.
        brief: The brief for it, in Markdown.
        others: Further drafts, the best first.
        score: What the text model makes of it; None without a text or a model.
        is_decided: Whether the model can tell it from the second draft.
    """

    content_id: str
    platform: str
    tone: str
    pillar: str | None
    text: str | None
    brief: str
    others: tuple[str, ...] = ()
    score: Score | None = None
    is_decided: bool = False


@dataclass(frozen=True)
class GeneratedCreatives:
    """Posts that were made.

    Args:
        generation_id: Name of the generation.
        creatives: The posts.
        model: What wrote them; None where they are briefs.
        context: Which context they were made with.
        ranked_by: Why the text model could rank drafts or not: `fresh`, `stale`, or a default.
        refused: Posts that could not be made, and why.
        left_out: What was left out since a phrase in it is banned.
    """

    generation_id: str
    creatives: tuple[GeneratedCreative, ...]
    model: str | None
    context: ContextFacts
    ranked_by: str
    refused: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


async def generate_creatives(
    brief: Mapping[str, Any] | str,
    kaizen_context: Loaded | Mapping[str, Any] | None = None,
    generator: Generator | None = None,
    *,
    strategy: GeneratedStrategy | None = None,
    count: int | None = None,
    lake: Lake | str | None = None,
) -> GeneratedCreatives:
    """Make posts for a brief, beside other work of the loop: the first for the first platform, and so on in turn.

    Args:
        brief: As for `generate_strategy`, and so on; its `brief_id` is the unit of what is held out.
        kaizen_context: As for `generate_strategy`.
        generator: As for `generate_strategy`.
        strategy: The strategy that they carry out.
        count: How many; by default one for each platform.
        lake: As for `generate_strategy`.

    Raises:
        GeneratorError: No post could be made, such as for phrases that are banned.
        UsageError: The brief or the context is none.
    """
    return await asyncio.to_thread(
        generate_creatives_sync,
        brief,
        kaizen_context,
        generator,
        strategy=strategy,
        count=count,
        lake=lake,
    )


def generate_creatives_sync(
    brief: Mapping[str, Any] | str,
    kaizen_context: Loaded | Mapping[str, Any] | None = None,
    generator: Generator | None = None,
    *,
    strategy: GeneratedStrategy | None = None,
    count: int | None = None,
    lake: Lake | str | None = None,
) -> GeneratedCreatives:
    """Make posts for a brief; the arguments are those of `generate_creatives`."""
    begun = time.perf_counter()
    means = find_means(generator, lake, brief)
    guidance = means.with_bans(read_guidance(brief, kaizen_context))
    if not guidance.platforms or not guidance.tones:
        raise GeneratorError("Every platform or tone that is recommended holds a phrase that is banned.")
    scorer = means.scorer(guidance)
    generation_id, refused, made = new_id(), list[str](), list[GeneratedCreative]()
    left_out: tuple[str, ...] = ()
    with means.logging():
        for place in range(min(count or len(guidance.platforms), MOST_CREATIVES)):
            slot = _slot(guidance, place)
            try:
                text, left_out = render_brief("creative.md.j2", guidance, **slot._asdict())
                made.append(_write(means, guidance, (slot, text, generation_id), scorer))
            except KaizenError as fault:
                refused.append(f"{slot.platform}, {slot.tone}: {fault.message}")
        if not made:
            raise GeneratorError(f"No post could be made: {refused[0] if refused else 'none was asked for'}")
        _log(means, guidance, made, {"generation_id": generation_id}, (strategy, time.perf_counter() - begun))
    return GeneratedCreatives(
        generation_id,
        tuple(made),
        _name(means),
        guidance.facts,
        scorer.reason,
        tuple(refused),
        (*guidance.left_out, *left_out),
    )


class _Slot(NamedTuple):
    """Where a post has its place, and how it is to be."""

    platform: str
    tone: str
    pillar: str | None
    hook: str | None


def _slot(guidance: Guidance, place: int) -> _Slot:
    def pick(values: tuple[str, ...]) -> str | None:
        return values[place % len(values)] if values else None

    platform, tone = pick(guidance.platforms), pick(guidance.tones)
    assert platform is not None
    assert tone is not None
    return _Slot(platform, tone, pick(guidance.pillars), pick(guidance.hooks))


def _write(
    means: GenerationMeans, guidance: Guidance, asked: tuple[_Slot, str, str], scorer: Scorer
) -> GeneratedCreative:
    slot, brief, generation_id = asked
    content_id = new_id()
    if means.generator is None:
        return GeneratedCreative(content_id, slot.platform, slot.tone, slot.pillar, None, brief)
    most = LONGEST.get(slot.platform.casefold())

    def usable(answer: DraftsAnswer) -> list[str]:
        return [
            draft.strip()
            for draft in dict.fromkeys(answer.drafts)
            if draft.strip()
            and not find_banned(draft, guidance.banned)
            and (most is None or len(draft.strip()) <= most)
        ]

    def problem_of(answer: DraftsAnswer) -> str:
        if usable(answer):
            return ""
        return describe_banned(answer.drafts, guidance) or f"No draft has a text of {most or 'any'} characters at most."

    about = {"run_id": generation_id, "workflow": "generate_creatives", "prompt_name": f"post/{slot.platform}"[:200]}
    request = GeneratorRequest(SYSTEM, _prompt(guidance, slot, most), about)
    drafts = usable(means.ask(request, DraftsAnswer, problem_of))
    ranking = scorer.rank(drafts)
    best, *others = (drafts[number] for number in ranking.order)
    is_known = not scorer.is_default
    return GeneratedCreative(
        content_id,
        slot.platform,
        slot.tone,
        slot.pillar,
        best,
        brief,
        tuple(others),
        ranking.scores[ranking.order[0]] if is_known else None,
        is_known and ranking.decided,
    )


def _prompt(guidance: Guidance, slot: _Slot, most: int | None) -> str:
    wanted = {name: value for name, value in slot._asdict().items() if value}
    limit = f" No draft has more than {most} characters." if most else ""
    return "\n\n".join(
        [
            f"Write {DRAFTS} drafts of one post that differ in how they open.{limit}",
            f"=== place, tone, pillar and opening of the post ===\n{msgspec.json.encode(wanted).decode()}\n===",
            f"=== brief ===\n{guidance.as_data}\n===",
            f"=== what was learned ===\n{guidance.learned}\n===",
        ]
    )


def _log(
    means: GenerationMeans,
    guidance: Guidance,
    made: list[GeneratedCreative],
    said: Mapping[str, Any],
    of_all: tuple[GeneratedStrategy | None, float],
) -> None:
    """Log the generation, and each post with the context that it was made with."""
    project_id, facts = guidance.key("project_id"), guidance.facts
    strategy, seconds = of_all
    brand = {"brand_id": guidance.key("brand_id")}
    told = {**said, **brand, "strategy_id": strategy.strategy_id if strategy else None, "model": _name(means)}
    told |= {"creatives_count": len(made), **facts.fields, "duration_seconds": seconds}
    means.log("CREATIVES_GENERATED", told, project_id)
    unit = guidance.key("brief_id")
    for creative in made:
        content = {
            **said,
            **brand,
            "content_id": creative.content_id,
            "platform": creative.platform[:200],
            "text": creative.text,
            "tone": creative.tone[:200],
            "pillar": creative.pillar[:200] if creative.pillar else None,
            "context_sha256": facts.sha256,
            "held_out": facts.held_out,
            "unit_id": unit,
        }
        means.log("CONTENT_CREATED", content, project_id)


def _name(means: GenerationMeans) -> str | None:
    return means.generator.model[:200] if means.generator else None
