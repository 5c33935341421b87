"""Where models are served: what a deployment asks of such a place, and an endpoint over HTTP that is one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from kaizenlake.errors import UsageError
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.validation.validate import TextModel

PRODUCTION: Final = "production"
"""Tag under which an endpoint serves what is in production."""

_MOST_BYTES: Final = 4_000_000


class Gateway(Protocol):
    """A place that serves models."""

    def check(self, name: str, version: str) -> None:
        """Check that the place can serve a version, before anything is moved.

        Raises:
            LearningError: It cannot (E7211).
        """

    def serve(self, name: str, version: str) -> None:
        """Serve a version from now on; asked again for the same, nothing changes.

        Raises:
            LearningError: The place did not take it (E7211).
        """


class EndpointGateway:
    """Serves models by an endpoint over HTTP: chat completions as OpenAI declares them, names of models as Ollama has them.

    A version is `name:version` there, what is in production `name:production`; a deployment copies the one to the other
    (`POST /api/copy`), as Ollama does, and the answers of both are asked of `POST /v1/chat/completions`.

    Args:
        url: Address, such as http://localhost:11434.
        api_key: Its key; it is shown nowhere.
        seconds: Longest time of a call.
    """

    def __init__(self, url: str, *, api_key: str = "", seconds: float = 60.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise UsageError(
                f"The address of an endpoint is {url[:200]!r}; expected such as http://localhost:11434, without a key in it."
            )
        self.url = url.rstrip("/").removesuffix("/v1")
        self._api_key = api_key
        self.seconds = seconds

    def check(self, name: str, version: str) -> None:
        """Check that the endpoint knows a version.

        Raises:
            LearningError: It does not answer, or does not know it (E7211).
        """
        told = self._call("GET", "/v1/models")
        known = [item.get("id") for item in told.get("data") or [] if isinstance(item, dict)]
        if f"{name}:{version}" not in known:
            raise LearningError("E7211", f"The endpoint serves no model {name}:{version}.", where=self.url)

    def serve(self, name: str, version: str) -> None:
        """Give a version the name of what is in production.

        Raises:
            LearningError: The endpoint did not take it (E7211).
        """
        self._call("POST", "/api/copy", {"source": f"{name}:{version}", "destination": f"{name}:{PRODUCTION}"})

    def run(self, name: str, version: str) -> TextModel:
        """Return the function that asks the endpoint for what a version answers."""

        def ask(text: str) -> str:
            body = {
                "model": f"{name}:{version}",
                "messages": [{"role": "user", "content": text}],
                "temperature": 0,
                "stream": False,
            }
            told = self._call("POST", "/v1/chat/completions", body)
            try:
                answer = told["choices"][0]["message"]["content"]
            except (LookupError, TypeError) as error:
                raise LearningError("E7211", "The endpoint answered no chat completion.", where=self.url) from error
            if not isinstance(answer, str):
                raise LearningError("E7211", "The answer of the endpoint holds no text.", where=self.url)
            return answer

        return ask

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the JSON object that the endpoint answers; an empty answer is an empty object."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked when it was given
            f"{self.url}{path}", method=method, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("Content-Type", "application/json")
        if self._api_key:
            request.add_header("Authorization", f"Bearer {self._api_key}")
        try:
            with _OPENER.open(request, timeout=self.seconds) as answered:
                content = answered.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise LearningError("E7211", f"The endpoint answered HTTP {error.code}.", where=self.url) from error
        except (OSError, ValueError) as error:
            said = str(getattr(error, "reason", error))[:200]
            raise LearningError("E7211", f"The endpoint did not answer: {said}.", where=self.url) from error
        if len(content) > _MOST_BYTES:
            raise LearningError("E7211", f"The endpoint answered more than {_MOST_BYTES:,} bytes.", where=self.url)
        try:
            told = json.loads(content) if content.strip() else {}
        except (ValueError, RecursionError) as error:
            raise LearningError("E7211", "The endpoint answered no JSON.", where=self.url) from error
        if not isinstance(told, dict):
            raise LearningError("E7211", "The endpoint answered no JSON object.", where=self.url)
        return told


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would take the key to another place."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return nothing, so that the redirect is an error."""


_OPENER = urllib.request.build_opener(_NoRedirects)
