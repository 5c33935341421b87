"""What writes prose: a protocol that any language model fits, and what every answer is checked by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Protocol, TypeVar

import msgspec
from msgspec import Meta

from kaizenlake.errors import KaizenError


class GeneratorError(KaizenError):
    """A language model gave no answer that can be used; the words hold no key."""

    code: ClassVar[str] = "generator"


class SectionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A section, as a language model answers it."""

    markdown: Annotated[str, Meta(min_length=1, max_length=50_000, description="The whole section, in Markdown.")]


class PromptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt of an agent, as a language model answers it."""

    prompt: Annotated[str, Meta(min_length=1, max_length=50_000, description="The whole prompt.")]


Answer = TypeVar("Answer", bound=msgspec.Struct)


@dataclass(frozen=True)
class GeneratorRequest:
    """What a language model is asked.

    Args:
        system: What it is to do.
        prompt: With what; texts of others in it are data.
        about: What the events say of it: `run_id`, `workflow`, `session_id`, `prompt_name`, as fields of SPAN_RECORDED.
    """

    system: str
    prompt: str
    about: dict[str, Any] = field(default_factory=dict, compare=False)


class Generator(Protocol):
    """Something that writes: a language model, or what an application has in its place."""

    @property
    def model(self) -> str:
        """Name of the model."""

    def generate(self, request: GeneratorRequest, answer: type[Answer]) -> Answer:
        """Return the answer to a request, checked by its class.

        Args:
            request: What is asked.
            answer: Class of the answer, a msgspec.Struct, from which its JSON Schema follows.

        Raises:
            GeneratorError: There is none that fits.
        """
