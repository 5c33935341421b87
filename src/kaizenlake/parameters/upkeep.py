"""How a lake lands, is kept, and tells people."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from kaizenlake.parameters.base import Days, ParameterGroup, Text


class SiteRules(ParameterGroup):
    """The pages over the lake, in `site/` of the reports."""

    nightly: bool = Field(default=True, description="Whether each night writes the pages that changed.")
    most_pages: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1_000, description="Most pages of one kind, such as experiments; lists say how many more there are."
    )


class SourceCap(ParameterGroup):
    """Most events of one source that land on a day, in place of the cap of all."""

    source: Text = Field(description="Source, as its events name it; of a mapped file the name of the mapping.")
    events_per_day: Annotated[int, Field(ge=0)] = Field(description="Events a UTC day and tenant; 0 is no cap.")


class LandingLimits(ParameterGroup):
    """What landing takes."""

    line_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=1_048_576, description="Longest line taken; a longer one goes to quarantine, cut to its beginning."
    )
    future_hours: Annotated[int, Field(ge=0)] = Field(
        default=24, description="Hours an event's time may lie ahead of the clock before it is quarantined."
    )
    keep_landed_days: Days = Field(default=30, description="Days a landed file is kept before maintenance removes it.")
    events_per_day: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="Most events of one source and tenant that land on a UTC day; what is over it waits in quarantine. 0 is no cap.",
    )
    caps: tuple[SourceCap, ...] = Field(
        default=(), description='Caps of single sources: { source = "crm_deals", events_per_day = 5000 }.'
    )
    flood: Literal["say", "hold"] = Field(
        default="say",
        description="What is done where a source sends ten times what it used to at once, and 1,000 events at least: `say` says so "
        "before figures are made, `hold` also keeps all of it in quarantine.",
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        told = Counter(cap.source for cap in self.caps)
        if twice := [name for name, times in told.items() if times > 1]:
            raise ValueError(f"the source {twice[0]!r} has two caps")
        return self

    @property
    def has_caps(self) -> bool:
        """Whether any source has a cap."""
        return bool(self.events_per_day or any(cap.events_per_day for cap in self.caps))

    def cap_of(self, source: str) -> int | None:
        """Return the most events of a source a day; None where there is no cap."""
        own = {cap.source: cap.events_per_day for cap in self.caps}
        return own.get(source, self.events_per_day) or None


class Tenants(ParameterGroup):
    """What tenants of one lake share."""

    sharing: Literal["off", "pooled"] = Field(
        default="off",
        description="What crosses between tenants: nothing, or `pooled`: the mean effects of text rules over five or more.",
    )


class Maintenance(ParameterGroup):
    """What maintenance keeps."""

    keep_versions_days: Days = Field(
        default=7, description="Days for which older versions of a table can still be read; what only they need goes."
    )
    compact_bytes: Annotated[int, Field(ge=1_048_576)] = Field(
        default=134_217_728, description="Size in bytes up to which the small files of a day are put together."
    )


class Retention(ParameterGroup):
    """How long `kaizen maintain` keeps what a lake works without; 0 keeps all."""

    runs_days: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Days for which the record of a run is kept; those of the latest 30 runs always are."
    )
    reports_days: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Days for which the reports of a night are kept; those of the latest night always are."
    )


_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


class AlertRules(ParameterGroup):
    """What is told to whom."""

    hook: tuple[str, ...] = Field(
        default=(),
        description='Command that is run with the new alerts as JSON on its input, such as ["/usr/local/bin/tell-us"].',
    )
    hook_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        default=30.0, description="Seconds after which it is ended."
    )
    webhook: SecretStr = Field(
        default=SecretStr(""),
        description="Address to which new alerts of all tenants are posted (extra kaizenlake[generator]); best given by the variable "
        "KAIZEN_ALERTS__WEBHOOK. It is shown nowhere.",
    )
    webhook_form: Literal["auto", "slack", "teams", "json"] = Field(
        default="auto", description="Form of the message; auto: by the server's name, else JSON."
    )
    webhook_seconds: Annotated[float, Field(gt=0, le=120)] = Field(default=10.0, description="Longest time of one try.")
    webhook_tries: Annotated[int, Field(ge=1, le=5)] = Field(
        default=3, description="Tries where it does not answer, or asks for patience."
    )
    mail_to: tuple[str, ...] = Field(
        default=(), description="Addresses to which new alerts of all tenants are sent by e-mail."
    )
    mail_from: str = Field(default="", max_length=320, description="Address that sends them.")
    smtp_host: str = Field(default="", max_length=253, description="Server that sends them; empty for none.")
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=587, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted."
    )
    smtp_user: str = Field(default="", max_length=320, description="Name to log in with; empty for no login.")
    smtp_password: SecretStr = Field(
        default=SecretStr(""),
        description="Its password; best given by the variable KAIZEN_ALERTS__SMTP_PASSWORD. It is shown nowhere.",
    )
    smtp_seconds: Annotated[float, Field(gt=0, le=120)] = Field(
        default=15.0, description="Longest time of a step of the sending."
    )

    @field_validator("webhook")
    @classmethod
    def _is_web_address(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not url.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("expected an address that begins with http:// or https://")
        return url

    @field_validator("mail_to", "mail_from")
    @classmethod
    def _are_mail_addresses(cls, given: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for address in (given,) if isinstance(given, str) else given:
            if address and not _MAIL_ADDRESS.fullmatch(address):
                raise ValueError(f"expected an e-mail address such as ann@example.com; found {address!r}")
        return given

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        if self.mail_to and not (self.smtp_host and self.mail_from):
            raise ValueError("alerts.mail_to needs alerts.smtp_host and alerts.mail_from")
        if self.smtp_user and self.smtp_security == "none" and self.smtp_host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("alerts.smtp_user needs an encrypted connection (alerts.smtp_security)")
        return self
