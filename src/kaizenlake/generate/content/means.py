"""What strategies and creatives are made with: the lake, its generator and text model; and texts that keep the bans."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from kaizenlake.context import Scorer, load_evidence, load_scorer
from kaizenlake.errors import KaizenError, LakeError, SpoolError
from kaizenlake.events.ids import event_id
from kaizenlake.events.write.log import log_event, logging_to
from kaizenlake.generate.content.banned import find_banned
from kaizenlake.generate.content.guidance import Guidance
from kaizenlake.generate.language_model.generator import Answer, Generator, GeneratorError, GeneratorRequest
from kaizenlake.generate.language_model.openai_endpoint import OpenAIGenerator, generator_of
from kaizenlake.generate.markdown_templates import render_markdown
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.place import DEFAULT_LAKE, LAKE_VARIABLE, find_place
from kaizenlake.settings import Settings, load

PUBLISHED = "published"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class GenerationMeans:
    """What is made with.

    Args:
        lake: The lake, as a tenant has it; None where there is none.
        tenant: Tenant for whom it is made; None without tenants.
        settings: Settings that hold.
        generator: What writes; None where nothing does, and briefs are made.
    """

    lake: Lake | None
    tenant: str | None
    settings: Settings
    generator: Generator | None

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Log to the lake, where it has a local folder."""
        try:
            told = nullcontext() if self.lake is None else logging_to(self.lake.whole.path())
        except LakeError:
            told = nullcontext()
        with told:
            yield

    def log(self, kind: str, payload: Mapping[str, Any], project_id: str | None) -> None:
        """Log an event; one that cannot be written stops nothing that was made."""
        try:
            log_event(kind, payload, project_id=project_id, tenant_id=self.tenant)
        except SpoolError as fault:
            _LOG.warning("%s was not logged: %s", kind, fault)

    def scorer(self, guidance: Guidance) -> Scorer:
        """Return the text model of the project; one that knows nothing where there is none, or what is learned is held back."""
        if self.lake is None or guidance.facts.held_out:
            return Scorer("default: no model", "what is learned is held back" if guidance.facts.held_out else "no lake")
        try:
            folder = self.lake.whole.path(PUBLISHED)
        except LakeError:
            return Scorer("default: no model", "the lake has no local folder")
        return load_scorer(folder, guidance.key("project_id"), tenant=self._named_tenant)

    @property
    def _named_tenant(self) -> str | None:
        """The tenant as readers are told of it."""
        return (self.tenant or "") if self.lake is not None and self.lake.is_walled else None

    def with_bans(self, guidance: Guidance) -> Guidance:
        """Return guidance with every phrase that is banned, and without lines that hold one.

        A context lists the first few; its evidence has all of them. What the settings ban holds for what is held out, too.
        """
        banned = [*self.settings.publishing.banned_phrases, *guidance.banned]
        if self.lake is not None and guidance.facts.is_used:
            banned += self._evidence_bans(guidance.key("project_id"))
        banned = list(dict.fromkeys(phrase for phrase in banned if phrase.strip()))
        left_out: list[str] = []

        def keep(name: str, lines: Sequence[str]) -> tuple[str, ...]:
            kept = tuple(line for line in lines if not find_banned(line, banned))
            left_out.extend([f"{name}: {len(lines) - len(kept)} with a phrase that is banned"] if kept != lines else [])
            return kept

        guidance = replace(
            guidance,
            banned=tuple(banned),
            platforms=keep("platforms", guidance.platforms),
            tones=keep("tones", guidance.tones),
            pillars=keep("pillars", guidance.pillars),
            hooks=keep("hooks", guidance.hooks),
        )
        return replace(guidance, left_out=tuple(left_out))

    def _evidence_bans(self, project_id: str | None) -> list[str]:
        assert self.lake is not None
        try:
            folder = self.lake.whole.path(PUBLISHED)
        except LakeError:
            return []
        found = load_evidence(folder, tenant=self._named_tenant, project=project_id).context
        held = found.get("evidence", {}).get("banned_phrases", {})
        return [phrase for phrase in held if isinstance(phrase, str)] if isinstance(held, dict) else []

    def ask(self, request: GeneratorRequest, answer: type[Answer], problem_of: Callable[[Answer], str]) -> Answer:
        """Return an answer that has no problem; it is asked for again with what was wrong, as often as the settings say.

        Args:
            request: What is asked.
            answer: Class of the answer.
            problem_of: What is wrong with an answer, in words for the model; empty where nothing is.

        Raises:
            GeneratorError: There is no answer, or none without a problem.
        """
        assert self.generator is not None
        problem, tries = "", self.settings.generator.section_tries
        for _ in range(tries):
            again = f"{request.prompt}\n\nYour answer before cannot be used: {problem}\nWrite it anew."
            made = self.generator.generate(replace(request, prompt=again) if problem else request, answer)
            problem = problem_of(made)
            if not problem:
                return made
        raise GeneratorError(
            f"The model {self.generator.model} answered {tries} times, never with what can be used: {problem}",
            hint="Take another model, or look at the phrases that are banned (publishing.banned_phrases, marked losers).",
        )


def find_means(generator: Generator | None, lake: Lake | str | None, brief: object) -> GenerationMeans:
    """Return what is made with: by default the lake that KAIZEN_LAKE names, and the generator of its settings.

    Args:
        generator: What writes; None takes that of the settings.
        lake: The lake or its folder; one that is not there is none.
        brief: The brief, which may name the tenant for whom it is made.

    Raises:
        TenantNeededError: The lake has several tenants, and none is named.
        GeneratorError: The settings name a language model, and the extra `generator` is not installed.
    """
    told = brief.get("tenant_id") if isinstance(brief, Mapping) else None
    tenant = told if isinstance(told, str) else None
    place = lake if lake is not None else os.environ.get(LAKE_VARIABLE) or DEFAULT_LAKE
    if not isinstance(place, Lake):
        home = find_place(place).home
        if lake is None and "://" not in str(place) and (home is None or not home.is_dir()):
            settings = load()
            made = OpenAIGenerator(settings.generator, tenant=tenant) if settings.generator.base_url else None
            return GenerationMeans(None, tenant, settings, generator or made)
        place = Lake(place)
    view = view_of(place, tenant, may_be_new=True)
    return GenerationMeans(view, view.tenant, view.settings, generator_of(view) if generator is None else generator)


def new_id() -> str:
    """Return a name that nothing has."""
    return sha256(event_id().encode()).hexdigest()[:32]


def render_brief(template: str, guidance: Guidance, **values: Any) -> tuple[str, tuple[str, ...]]:
    """Return a brief as Markdown, and what was left out of it since it holds a phrase that is banned.

    Args:
        template: Name of the template.
        guidance: What is followed.
        **values: Further values of the template.

    Raises:
        GeneratorError: A phrase that is banned stands in it all the same.
    """
    lines = [(name, line) for name, line in guidance.lines if not find_banned(f"{name} {line}", guidance.banned)]
    gone = [name for name, line in guidance.lines if (name, line) not in lines]
    left_out = tuple(
        f"{name}: it holds a phrase that is banned" for name in gone if not find_banned(name, guidance.banned)
    )
    risky = [line for line in guidance.risky if not find_banned(line, guidance.banned)]
    text = render_markdown("content", template, guidance=guidance, lines=lines, risky=risky, **values).strip() + "\n"
    check_banned(text, guidance)
    return text, left_out


def check_banned(text: str, guidance: Guidance) -> None:
    """Check that no phrase that is banned stands in a text that is to leave.

    Raises:
        GeneratorError: One does.
    """
    if found := find_banned(text, guidance.banned):
        raise GeneratorError(
            f"What was made holds {len(found)} of the phrases that are banned, and was refused.",
            hint="The settings (publishing.banned_phrases) and marks of losers ban phrases; `kaizen context` lists them.",
        )


def describe_banned(texts: Sequence[str], guidance: Guidance) -> str:
    """Return which phrases that are banned stand in texts, in words for a model; empty where none does."""
    found = find_banned("\n".join(texts), guidance.banned)
    return f"These phrases are banned and stand in it: {'; '.join(found)}." if found else ""


def refuse(
    means: GenerationMeans, kind: str, payload: Mapping[str, Any], fault: KaizenError, project_id: str | None
) -> None:
    """Log that nothing was made, and why."""
    means.log(kind, {**payload, "reason": fault.message[:500], "error_type": type(fault).__name__}, project_id)
