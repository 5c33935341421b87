"""Send new alerts by e-mail, as text and as HTML, over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from html import escape

from kaizenlake.night.telling.channels import MOST, Delivery, hide
from kaizenlake.parameters import AlertRules
from kaizenlake.publish import formats as say
from kaizenlake.publish.signed.alerts import Alert
from kaizenlake.vocabulary import plural


def send_mail(rules: AlertRules, alerts: Sequence[Alert], *, as_of: datetime, now: datetime) -> Delivery:
    """Send alerts to everybody whom the settings name; whatever goes wrong is told, never raised.

    Args:
        rules: To whom, and over which server.
        alerts: What is told; at least one.
        as_of: Events before this instant count.
        now: Instant of the message, aware.
    """
    password = rules.smtp_password.get_secret_value()
    try:
        message = write_mail(rules, alerts, as_of=as_of, now=now)
        with _connect(rules) as server:
            if rules.smtp_user:
                server.login(rules.smtp_user, password)
            refused = server.send_message(message, rules.mail_from, list(rules.mail_to))
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return Delivery(hide(f"{type(error).__name__}: {error}", [password]))
    return Delivery(f"refused for {plural(len(refused), 'address', 'addresses')}" if refused else "")


def write_mail(rules: AlertRules, alerts: Sequence[Alert], *, as_of: datetime, now: datetime) -> EmailMessage:
    """Return the message: what comes from outside is a line each, escaped in HTML, and in no header.

    Args:
        rules: To whom.
        alerts: What is told; at least one.
        as_of: Events before this instant count.
        now: Instant of the message, aware.
    """
    title = f"kaizenlake: {plural(len(alerts), 'new alert')}"
    shown = alerts[:MOST]
    more = f"{len(alerts) - MOST} more stand in published/alerts.json." if len(alerts) > MOST else ""
    foot = f"As of {say.instant(as_of)}. An alert is told once, however long it holds."
    lines = [f"{alert.severity.upper()}: {say.clean(alert.words, 600)}" for alert in shown]
    message = EmailMessage(policy=SMTP)
    message["Subject"] = title
    message["From"] = Address("kaizenlake", addr_spec=rules.mail_from)
    message["To"] = [Address(addr_spec=address) for address in rules.mail_to]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=rules.mail_from.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join([title, *lines, *([more] if more else []), foot]) + "\n")
    items = "".join(
        f'<li style="margin:0 0 12px"><strong style="color:{_COLOURS.get(alert.severity, "#3f5f8a")}">'
        f"{escape(alert.severity)}</strong> {escape(say.clean(alert.words, 600))}</li>"
        for alert in shown
    )
    message.add_alternative(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>'
        f'{escape(title)}</title></head><body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem"><h1 style="font-size:20px">'
        f'{escape(title)}</h1><ul style="padding-left:20px">{items}</ul><p>{escape(more)}</p>'
        f'<p style="color:#566070">{escape(foot)}</p></body></html>\n',
        subtype="html",
    )
    return message


_COLOURS = {"critical": "#b04a2f", "warning": "#8a5a00"}


def _connect(rules: AlertRules) -> smtplib.SMTP:
    """Return a connection to the server, encrypted as the settings say, with its certificate checked."""
    seconds = rules.smtp_seconds
    if rules.smtp_security == "tls":
        return smtplib.SMTP_SSL(rules.smtp_host, rules.smtp_port, timeout=seconds, context=ssl.create_default_context())
    server = smtplib.SMTP(rules.smtp_host, rules.smtp_port, timeout=seconds)
    if rules.smtp_security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
    return server
