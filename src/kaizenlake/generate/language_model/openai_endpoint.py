"""A language model behind an endpoint that takes chat completions as OpenAI declares them, over HTTP."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from kaizenlake.errors import LakeError, SpoolError
from kaizenlake.events.ids import event_id
from kaizenlake.events.write.log import log_event
from kaizenlake.generate.language_model.generator import Answer, GeneratorError, GeneratorRequest
from kaizenlake.lake.files import write_atomic
from kaizenlake.lake.store import Lake
from kaizenlake.parameters import GeneratorEndpoint
from kaizenlake.signing import canonical

CACHE = "generated"
"""Folder of the lake in which answers are kept."""

AGENT = "generator"
"""Agent by which traces name its calls."""

AGAIN = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""States of HTTP after which the same request may work."""

MOST_WAIT_SECONDS = 20.0
"""Longest wait between two tries, whatever an endpoint asks for."""

LONGEST_ANSWER = 4_000_000
"""Most bytes of an answer that are read."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Reply:
    """What came of one call."""

    text: str | None
    error: str | None = None
    may_try_again: bool = False
    wait_seconds: float | None = None
    usage: Mapping[str, Any] | None = None
    model: str | None = None


class OpenAIGenerator:
    """Asks a language model for JSON, checks what it answers, and asks again where that does not fit.

    A call that times out, finds nobody or meets 429 or 5xx is tried again after a random wait that grows. Every call is an
    event SPAN_RECORDED of the agent `generator`; the key is in none of them, nor in any error.

    Args:
        endpoint: Where and how it is asked; `generator` of the settings.
        cache: Folder in which answers are kept by the hash of their request; None keeps none.
        tenant: Tenant for whom it writes; answers are not shared among tenants.
    """

    def __init__(self, endpoint: GeneratorEndpoint, *, cache: Path | None = None, tenant: str | None = None) -> None:
        self.endpoint = endpoint
        self.tenant = tenant
        self._cache = cache if endpoint.cache else None
        self._httpx = _import_httpx()

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.endpoint.model

    def generate(self, request: GeneratorRequest, answer: type[Answer]) -> Answer:
        """Return the answer to a request, checked by its class.

        Args:
            request: What is asked.
            answer: Class of the answer.

        Raises:
            GeneratorError: The endpoint does not answer, or never with what fits.
        """
        schema = msgspec.json.schema(answer)
        messages = [
            {
                "role": "system",
                "content": f"{request.system}\n\nAnswer with one JSON object of this schema alone: {json.dumps(schema)}",
            },
            {"role": "user", "content": request.prompt},
        ]
        wrong = ""
        for _ in range(self.endpoint.tries):
            body = self._body(messages)
            text = self._ask(body, request.about)
            try:
                made = msgspec.json.decode(_strip_fence(text), type=answer)
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                wrong = self._hide(str(error))[:300]
                complaint = f"That was not the JSON that is asked for: {wrong} Answer with the JSON object alone."
                messages = [
                    *messages[:2],
                    {"role": "assistant", "content": text[:20_000]},
                    {"role": "user", "content": complaint},
                ]
                continue
            self._keep(body, text)
            return made
        raise GeneratorError(
            f"The model {self.model} answered {self.endpoint.tries} times, never with the JSON that was asked for: {wrong}",
            hint="Take a model that answers with JSON (setting generator.model).",
        )

    def _body(self, messages: list[dict[str, str]]) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": messages,
            "seed": self.endpoint.seed,
            "response_format": {"type": "json_object"},
        }

    def _ask(self, body: Mapping[str, Any], about: Mapping[str, Any]) -> str:
        """Return the text of an answer, kept or new."""
        if (kept := self._find(body)) is not None:
            self._log(about, _Reply(kept), datetime.now(UTC), 0.0, is_cached=True)
            return kept
        reply = _Reply(None, "it was never asked")
        for attempt in range(self.endpoint.tries):
            begun, clock = datetime.now(UTC), time.perf_counter()
            reply = self._call(body)
            self._log(about, reply, begun, time.perf_counter() - clock)
            if reply.text is not None:
                return reply.text
            if not reply.may_try_again:
                break
            if attempt + 1 < self.endpoint.tries:
                time.sleep(self._wait(attempt, reply))
        raise GeneratorError(
            f"The model {self.model} gave no answer: {reply.error}.",
            hint="`kaizen doctor` shows the settings of the generator, and where they come from.",
        )

    def _wait(self, attempt: int, reply: _Reply) -> float:
        """Return seconds to wait: at random below a bound that doubles, and no less than the endpoint asks for."""
        longest = self.endpoint.wait_seconds * 2.0**attempt
        drawn = random.uniform(longest / 2, longest)  # noqa: S311 - it spreads callers, and keeps no secret
        return min(max(drawn, reply.wait_seconds or 0.0), MOST_WAIT_SECONDS)

    def _call(self, body: Mapping[str, Any]) -> _Reply:
        """Ask once; whatever goes wrong is told in the reply."""
        key = self.endpoint.api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{self.endpoint.base_url.rstrip('/')}/chat/completions"
        limit = self.endpoint.timeout_seconds
        ends = time.monotonic() + limit
        try:
            with (
                self._httpx.Client(timeout=limit, follow_redirects=False, verify=_tls_context()) as client,
                client.stream("POST", url, json=body, headers=headers) as answered,
            ):
                held = bytearray()
                for part in answered.iter_bytes():
                    held += part
                    # A time-out of the transport begins anew with every byte.
                    if time.monotonic() > ends:
                        return _Reply(None, f"it took longer than {limit:g} s", may_try_again=True)
                    if len(held) > LONGEST_ANSWER:
                        return _Reply(None, f"it answers with more than {LONGEST_ANSWER:,} bytes")
                return self._read(answered.status_code, answered.headers, bytes(held))
        except self._httpx.TimeoutException:
            return _Reply(None, f"it took longer than {limit:g} s", may_try_again=True)
        except (self._httpx.HTTPError, self._httpx.InvalidURL, UnicodeError) as error:
            may = isinstance(error, self._httpx.TransportError) and not isinstance(
                error, self._httpx.UnsupportedProtocol
            )
            return _Reply(None, self._hide(f"{type(error).__name__}: {error}"), may_try_again=may)

    def _read(self, state: int, headers: Mapping[str, str], content: bytes) -> _Reply:
        if state != 200:
            said = " ".join(content[:300].decode("utf-8", "replace").split())
            wait = None
            with suppress(ValueError):
                wait = float(headers.get("retry-after", ""))
            return _Reply(None, self._hide(f"HTTP {state}: {said}"), state in AGAIN, wait)
        try:
            told = json.loads(content)
            text = told["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return _Reply(None, "it answered with something else than a chat completion")
        if not isinstance(text, str):
            return _Reply(None, "its answer holds no text")
        usage, model = told.get("usage"), told.get("model")
        return _Reply(
            text,
            usage=usage if isinstance(usage, dict) else None,
            model=model if isinstance(model, str) and model else None,
        )

    def _hide(self, text: str) -> str:
        """Return a text of others without the key, which some endpoints repeat."""
        key = self.endpoint.api_key.get_secret_value()
        for said in {key, key[:12], key[-12:]} if len(key) > 12 else {key}:
            if said:
                text = text.replace(said, "[key]")
        return text

    def _log(
        self, about: Mapping[str, Any], reply: _Reply, begun: datetime, seconds: float, *, is_cached: bool = False
    ) -> None:
        """Log a call as a step of a trace; an event that cannot be written stops no answer that was paid for."""
        _LOG.info("%s: %s in %.2f s", self.model, reply.error or ("kept" if is_cached else "answered"), seconds)
        usage = reply.usage or {}
        said: dict[str, Any] = {
            "run_id": hashlib.sha256(event_id().encode()).hexdigest()[:32],
            **about,
            "span_id": hashlib.sha256(event_id().encode()).hexdigest()[:16],
            "name": "chat",
            "kind": "inference",
            "operation": "chat",
            "agent": AGENT,
            "dialect": "kaizenlake",
            "status": "ok" if reply.text is not None else "error",
            "error_type": reply.error[:500] if reply.error else None,
            "duration_seconds": seconds,
            "model": (reply.model or self.model)[:200],
            "input_tokens": _count(usage.get("prompt_tokens")),
            "output_tokens": _count(usage.get("completion_tokens")),
            "is_cached": is_cached,
        }
        try:
            log_event("SPAN_RECORDED", said, occurred_at=begun, tenant_id=self.tenant)
        except SpoolError as fault:
            _LOG.warning("The call was not logged as an event: %s", fault)

    def _file(self, body: Mapping[str, Any]) -> Path | None:
        """Return the file of the answer to a request; it is named by all that the answer follows from, without the key."""
        if self._cache is None:
            return None
        said = {"base_url": self.endpoint.base_url, "tenant": self.tenant, "body": body}
        return self._cache / f"{hashlib.sha256(canonical(said)).hexdigest()}.json"

    def _find(self, body: Mapping[str, Any]) -> str | None:
        file = self._file(body)
        if file is None:
            return None
        try:
            kept = json.loads(file.read_bytes())["text"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return kept if isinstance(kept, str) else None

    def _keep(self, body: Mapping[str, Any], text: str) -> None:
        file = self._file(body)
        if file is not None:
            try:
                write_atomic(file, json.dumps({"model": self.model, "text": text}).encode(), mode=0o600)
            except LakeError as fault:
                _LOG.warning("The answer was not kept: %s", fault)


def generator_of(lake: Lake) -> OpenAIGenerator | None:
    """Return the generator that the settings of a lake name; None where they name none.

    Args:
        lake: The lake, as a tenant has it where there are several.

    Raises:
        GeneratorError: The library that it needs is not installed.
    """
    endpoint = lake.settings.generator
    if not endpoint.base_url:
        return None
    try:
        cache: Path | None = lake.path(CACHE)
    except LakeError:
        cache = None
    return OpenAIGenerator(endpoint, cache=cache, tenant=lake.tenant)


def _strip_fence(text: str) -> str:
    """Return an answer without the fence of code that some models put around it."""
    inner = text.strip()
    if inner.startswith("```") and inner.endswith("```") and "\n" in inner:
        inner = inner[inner.index("\n") + 1 : -3]
    return inner


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@cache
def _tls_context() -> ssl.SSLContext:
    """Return what certificates are checked by; to read them takes longer than a call."""
    found: ssl.SSLContext = _import_httpx().create_ssl_context()
    return found


def _import_httpx() -> ModuleType:
    try:
        import httpx
    except ImportError as error:
        raise GeneratorError(
            "The setting generator.base_url names a language model, and the library that asks it is not installed.",
            hint="pip install 'kaizenlake[generator]'",
        ) from error
    return httpx
