"""Post new alerts to a webhook: to Slack, to Teams, or as JSON to any address."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from kaizenlake.night.telling.channels import MOST, Delivery, hide
from kaizenlake.parameters import AlertRules
from kaizenlake.publish.signed.alerts import SCHEMA, VERSION, Alert
from kaizenlake.vocabulary import plural

Form: TypeAlias = Literal["slack", "teams", "json"]

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""States of HTTP after which the same message may arrive."""

LONGEST_WAIT_SECONDS = 10.0
"""Longest wait between two tries, whatever a server asks for."""


def post_alerts(rules: AlertRules, alerts: Sequence[Alert], *, as_of: datetime, run_id: str) -> Delivery:
    """Post alerts, and try again where that may help; whatever goes wrong is told, never raised.

    The address is a secret: it is in no word that is returned, and in no log. A redirect is not followed.

    Args:
        rules: Where and how.
        alerts: What is told; at least one.
        as_of: Events before this instant count.
        run_id: The run that tells it.
    """
    url = rules.webhook.get_secret_value()
    try:
        import httpx
    except ImportError:
        return Delivery("the library that posts is not installed: pip install 'kaizenlake[generator]'", 0)
    form = find_form(url) if rules.webhook_form == "auto" else rules.webhook_form
    body = _FORMS[form](alerts, as_of, run_id)
    secrets = (url, *_parts(url))
    delivery = Delivery("it was never tried", 0)
    for attempt in range(1, rules.webhook_tries + 1):
        wait = min(0.5 * 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS)
        try:
            with _quiet(), httpx.Client(timeout=rules.webhook_seconds, follow_redirects=False) as client:
                answer = client.post(url, json=body)
            if answer.is_success:
                return Delivery(tries=attempt)
            delivery = Delivery(hide(f"HTTP {answer.status_code}: {answer.text[:500]}", secrets), attempt)
            if answer.status_code not in AGAIN:
                return delivery
            wait = _find_wait(answer.headers, wait)
        except httpx.TimeoutException:
            delivery = Delivery(f"no answer within {rules.webhook_seconds:g} s", attempt)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError, OSError) as error:
            delivery = Delivery(hide(f"{type(error).__name__}: {error}", secrets), attempt)
            if not isinstance(error, httpx.TransportError) or isinstance(error, httpx.UnsupportedProtocol):
                return delivery
        if attempt < rules.webhook_tries:
            time.sleep(wait)
    return delivery


def find_form(url: str) -> Form:
    """Return the form that a server takes, by its name.

    >>> find_form("https://hooks.slack.com/services/T/B/x"), find_form("https://example.com/alerts")
    ('slack', 'json')
    """
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return "json"
    if host == "hooks.slack.com" or host.endswith(".slack.com"):
        return "slack"
    teams = (".webhook.office.com", ".logic.azure.com", ".api.powerplatform.com")
    return "teams" if host.endswith(teams) else "json"


def _slack(alerts: Sequence[Alert], as_of: datetime, run_id: str) -> dict[str, Any]:  # noqa: ARG001 - all forms are given the same
    """Return a message of plain text: nobody is called by what an event says, and nothing of it is set."""
    blocks: list[dict[str, Any]] = [_plain_block("header", _title(alerts))]
    blocks += [_plain_block("section", f"{alert.severity.upper()}: {alert.words}"[:2900]) for alert in alerts[:MOST]]
    if len(alerts) > MOST:
        blocks.append(_plain_block("section", f"{len(alerts) - MOST} more stand in published/alerts.json."))
    text = _title(alerts).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text, "blocks": blocks}


def _plain_block(kind: str, text: str) -> dict[str, Any]:
    return {"type": kind, "text": {"type": "plain_text", "text": text, "emoji": False}}


def _teams(alerts: Sequence[Alert], as_of: datetime, run_id: str) -> dict[str, Any]:  # noqa: ARG001 - as above
    """Return an adaptive card of runs of text, which no text of an event can set."""
    body: list[dict[str, Any]] = [_rich_block(_title(alerts), is_bold=True)]
    colours = {"critical": "attention", "warning": "warning"}
    body += [
        _rich_block(f"{alert.severity}: {alert.words}", colour=colours.get(alert.severity, "default"))
        for alert in alerts[:MOST]
    ]
    if len(alerts) > MOST:
        body.append(_rich_block(f"{len(alerts) - MOST} more stand in published/alerts.json."))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def _rich_block(text: str, *, is_bold: bool = False, colour: str = "default") -> dict[str, Any]:
    run = {"type": "TextRun", "text": text, "color": colour, "weight": "bolder" if is_bold else "default"}
    return {"type": "RichTextBlock", "inlines": [run]}


def _json(alerts: Sequence[Alert], as_of: datetime, run_id: str) -> dict[str, Any]:
    told: list[Any] = msgspec.to_builtins(list(alerts))
    return {"schema": SCHEMA, "version": VERSION, "run_id": run_id, "as_of": as_of.isoformat(), "alerts": told}


_FORMS: Mapping[Form, Callable[[Sequence[Alert], datetime, str], dict[str, Any]]] = {
    "slack": _slack,
    "teams": _teams,
    "json": _json,
}


def _title(alerts: Sequence[Alert]) -> str:
    return f"kaizenlake: {plural(len(alerts), 'new alert')}"


def _parts(url: str) -> Iterator[str]:
    """Yield parts of an address that may be its secret: its path, its query, and the name and password before its host."""
    try:
        found = urlsplit(url)
    except ValueError:
        return
    yield from (part for part in (found.path.rstrip("/"), found.query, found.password or "") if len(part) > 3)


def _find_wait(headers: Mapping[str, str], least: float) -> float:
    try:
        asked = float(headers.get("retry-after", ""))
    except ValueError:
        asked = 0.0
    return min(max(least, asked), LONGEST_WAIT_SECONDS) if asked == asked else least  # noqa: PLR0124 - NaN is none


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from logging the address."""
    loggers = [logging.getLogger(name) for name in ("httpx", "httpcore")]
    former = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, is_disabled in zip(loggers, former, strict=True):
            logger.disabled = is_disabled
