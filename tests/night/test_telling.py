"""Alerts by webhook and by e-mail, to real servers on this machine: each once, tried again, and no secret in any word."""

from __future__ import annotations

import email
import json
import logging
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kaizenlake import settings
from kaizenlake.errors import SettingsError
from kaizenlake.jobs.alerts.alerts import alerts
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.night.telling.mail import send_mail, write_mail
from kaizenlake.night.telling.webhook import find_form, post_alerts
from kaizenlake.parameters import AlertRules
from kaizenlake.publish.signed.alerts import Alert
from kaizenlake.tables import CrlTrends
from publish.hostile_frames import HOSTILE
from publish.learning_frames import trends
from publish.report_frames import AS_OF

SECRET = "T0SECRET-9f8e7d6c5b4a"
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


def alert(words, severity="warning"):
    return Alert(None, words[:20], "degrading_doer", severity, "coder", None, None, None, date(2026, 3, 1), words)


@dataclass
class Post:
    """A web server that answers as it is told, and keeps what it was posted."""

    answers: list = field(default_factory=list)
    posted: list = field(default_factory=list)
    url: str = ""


@contextmanager
def web(*answers):
    held = Post(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            held.posted.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            state = held.answers.pop(0) if held.answers else 200
            self.send_response(state)
            if state == 302:
                self.send_header("location", "/elsewhere")
            self.end_headers()
            self.wfile.write(f"I was asked for {self.path}".encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_address[1]}/hook/{SECRET}"
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as a message needs."""

    def handle(self):
        held, is_data, lines = self.server.held, False, []
        self.say("220 here")
        for raw in self.rfile:
            line = raw.rstrip(b"\r\n")
            if is_data:
                if line == b".":
                    held["messages"].append(b"\r\n".join(lines))
                    is_data = False
                    self.say("250 taken")
                else:
                    lines.append(line.removeprefix(b"."))
                continue
            word = line.split(b" ")[0].upper()
            held["said"].append(line.decode())
            if word in {b"EHLO", b"HELO"}:
                self.say("250-here\r\n250 AUTH PLAIN")
            elif word == b"AUTH":
                self.say(held["auth"])
            elif word == b"DATA":
                is_data = True
                self.say("354 go on")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def say(self, words):
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def post_office(auth="235 welcome"):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailHandler)
    server.held = {"said": [], "messages": [], "auth": auth}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1], server.held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def rules(**given):
    return AlertRules.model_validate({"webhook_tries": 1, "webhook_seconds": 5.0, **given})


def test_a_webhook_is_posted_json_and_tried_again_where_that_may_help():
    with web(503, 200) as server:
        done = post_alerts(rules(webhook=server.url, webhook_tries=2), [alert("One.")], as_of=AS_OF, run_id="r1")
    assert (done.error, done.tries) == ("", 2)
    path, told = server.posted[1]
    assert path.endswith(SECRET)
    assert (told["schema"], told["run_id"], told["alerts"][0]["words"]) == ("kaizen-alerts", "r1", "One.")


@pytest.mark.parametrize("state", [302, 400, 404])
def test_what_no_second_try_helps_is_told_without_the_address(state):
    with web(state) as server:
        done = post_alerts(rules(webhook=server.url, webhook_tries=3), [alert("One.")], as_of=AS_OF, run_id="r1")
    assert (done.tries, len(server.posted)) == (1, 1)
    assert f"HTTP {state}" in done.error
    assert SECRET not in done.error


def test_no_server_no_time_and_no_address_are_told_and_nothing_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    for url in (
        f"http://127.0.0.1:9/{SECRET}",
        f"http://[::bad/{SECRET}",
        f"https://\x00/{SECRET}",
        "http://" + "a" * 300,
    ):
        done = post_alerts(rules(webhook=url), [alert("One.")], as_of=AS_OF, run_id="r1")
        assert done.error
        assert SECRET not in done.error
    with web() as server:
        post_alerts(rules(webhook=server.url), [alert("One.")], as_of=AS_OF, run_id="r1")
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://hooks.slack.com/services/a", "slack"),
        ("https://acme.webhook.office.com/a", "teams"),
        ("https://prod-1.westeurope.logic.azure.com:443/workflows/a", "teams"),
        ("https://hooks.slack.com.evil.example/a", "json"),
        ("http://[::bad", "json"),
    ],
)
def test_the_form_follows_from_the_name_of_the_server(url, form):
    assert find_form(url) == form


@pytest.mark.parametrize("form", ["slack", "teams", "json"])
def test_hostile_text_calls_nobody_and_many_alerts_stay_one_message(form):
    words = [alert(text.encode("utf-8", "ignore").decode()) for text in ("<!channel> <http://x|y> @all", *HOSTILE)]
    with web() as server:
        done = post_alerts(rules(webhook=server.url, webhook_form=form), words * 4, as_of=AS_OF, run_id="r1")
    assert done.error == ""
    ((_, told),) = server.posted
    if form == "slack":
        assert {block["text"]["type"] for block in told["blocks"]} == {"plain_text"}
        assert "<" not in told["text"]
        assert len(told["blocks"]) <= 50
    if form == "teams":
        card = told["attachments"][0]["content"]
        assert {part["type"] for part in card["body"]} == {"RichTextBlock"}
    assert "20 more" in json.dumps(told) or form == "json"


def mailing(port, **given):
    held = {
        "mail_to": ("ann@example.com", "bo@example.com"),
        "mail_from": "kaizen@example.com",
        "smtp_host": "127.0.0.1",
    }
    return rules(**held, smtp_port=port, smtp_security="none", smtp_seconds=5.0, **given)


def test_a_mail_has_text_and_html_and_reaches_everybody():
    with post_office() as (port, held):
        done = send_mail(
            mailing(port, smtp_user="kaizen", smtp_password="hunter2!"),
            [alert("The loss <b>rose</b>.\r\nBcc: eve@example.com", "critical")],
            as_of=AS_OF,
            now=NOW,
        )
    assert done.error == ""
    assert [line for line in held["said"] if line.upper().startswith("RCPT")] == [
        "rcpt TO:<ann@example.com>",
        "rcpt TO:<bo@example.com>",
    ]
    message = email.message_from_bytes(held["messages"][0], policy=policy.default)
    assert message["Subject"] == "kaizenlake: 1 new alert"
    assert message["Bcc"] is None
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "CRITICAL: The loss <b>rose</b>. Bcc: " in text
    assert "&lt;b&gt;rose&lt;/b&gt;" in html
    assert "<script" not in html


def test_hostile_text_makes_no_header_and_no_element():
    given = [alert(text.encode("utf-8", "ignore").decode()) for text in HOSTILE]
    message = write_mail(mailing(25), given, as_of=AS_OF, now=NOW)
    html = message.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "<img" not in html
    assert set(message.keys()) == {
        *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    }


def test_a_mail_server_that_refuses_is_told_without_the_password():
    with post_office("535 no such user hunter2!") as (port, held):
        done = send_mail(
            mailing(port, smtp_user="kaizen", smtp_password="hunter2!"), [alert("One.")], as_of=AS_OF, now=NOW
        )
    assert "SMTPAuthenticationError" in done.error
    assert "hunter2" not in done.error
    assert held["messages"] == []
    with post_office() as (port, _):
        wanted = rules(**{**mailing(port).model_dump(), "smtp_security": "starttls"})
        assert "STARTTLS" in send_mail(wanted, [alert("One.")], as_of=AS_OF, now=NOW).error
    assert send_mail(mailing(9), [alert("One.")], as_of=AS_OF, now=NOW).error


def test_a_night_tells_each_channel_once_and_again_where_it_failed(tmp_path, monkeypatch):
    Lake.create(tmp_path / "lake")
    with web(404) as server, post_office() as (port, held):
        (tmp_path / "lake" / "kaizen.toml").write_text(
            f'[alerts]\nmail_to = ["ann@example.com"]\nmail_from = "k@example.com"\nsmtp_host = "127.0.0.1"\nsmtp_port = {port}\n'
            'smtp_security = "none"\n'
        )
        monkeypatch.setenv("KAIZEN_ALERTS__WEBHOOK", server.url)
        runs = []
        for place in range(3):
            lake = Lake(tmp_path / "lake")
            if not place:
                lake.write(CrlTrends, trends().lazy(), days=None, reads={}, as_of=AS_OF, fingerprint="0" * 64)
            runs.append(nightly(lake, as_of=AS_OF, jobs=(findings, alerts), take=None))
    first, second, third = runs
    assert [run.exit_code for run in runs] == [0, 0, 0]
    assert [(made.channel, made.status) for made in first.deliveries] == [("webhook", "failed"), ("mail", "done")]
    assert first.alerts[0].told_by == ("mail",)
    assert [(made.channel, made.status) for made in second.deliveries] == [("webhook", "done")]
    assert (third.deliveries, third.alerts[0].told_by) == ((), ("mail", "webhook"))
    assert (len(server.posted), len(held["messages"])) == (2, 1)
    for record in (tmp_path / "lake" / "runs").glob("*.json"):
        assert SECRET not in record.read_text()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WEBHOOK", f"ftp://x/{SECRET}"),
        ("WEBHOOKS", f"https://x/{SECRET}"),
        ("SMTP_PASSWORDS", SECRET),
        ("MAIL_TO", '["ann@example.com\\r\\nBcc: eve@x"]'),
        ("MAIL_TO", '["ann@example.com"]'),
    ],
)
def test_settings_that_cannot_be_are_refused_and_no_secret_is_shown(monkeypatch, variable, value):
    monkeypatch.setenv(f"KAIZEN_ALERTS__{variable}", value)
    with pytest.raises(SettingsError) as refused:
        settings.load()
    assert SECRET not in str(refused.value)


def test_no_secret_is_among_the_settings_that_are_listed(monkeypatch):
    monkeypatch.setenv("KAIZEN_ALERTS__WEBHOOK", f"https://x/{SECRET}")
    monkeypatch.setenv("KAIZEN_ALERTS__SMTP_PASSWORD", SECRET)
    assert SECRET not in repr([(item.name, item.value) for item in settings.origins()])
    assert SECRET not in settings.load().model_dump_json()
