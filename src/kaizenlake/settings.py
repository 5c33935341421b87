"""The settings of one lake: a frozen object made of defaults, `kaizen.toml` and `KAIZEN_…` variables, in that order."""

from __future__ import annotations

import inspect
import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kaizenlake.errors import SettingsError
from kaizenlake.events.catalogue import by_name
from kaizenlake.events.rules import near
from kaizenlake.parameters import (
    Alerts,
    Canaries,
    Clarity,
    Confidence,
    Evidence,
    Group,
    Labels,
    Landing,
    Loss,
    Maintenance,
    Promotion,
    Publishing,
    Replays,
    Skills,
    Tiers,
    Trends,
    Windows,
)

FILE_NAME = "kaizen.toml"


class Settings(BaseSettings):
    """All settings of a lake; each group is described in `kaizenlake.parameters`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="KAIZEN_", env_nested_delimiter="__")

    tiers: Tiers = Field(default_factory=Tiers)
    labels: Labels = Field(default_factory=Labels)
    windows: Windows = Field(default_factory=Windows)
    evidence: Evidence = Field(default_factory=Evidence)
    clarity: Clarity = Field(default_factory=Clarity)
    confidence: Confidence = Field(default_factory=Confidence)
    loss: Loss = Field(default_factory=Loss)
    trends: Trends = Field(default_factory=Trends)
    promotion: Promotion = Field(default_factory=Promotion)
    canaries: Canaries = Field(default_factory=Canaries)
    replays: Replays = Field(default_factory=Replays)
    skills: Skills = Field(default_factory=Skills)
    alerts: Alerts = Field(default_factory=Alerts)
    publishing: Publishing = Field(default_factory=Publishing)
    landing: Landing = Field(default_factory=Landing)
    maintenance: Maintenance = Field(default_factory=Maintenance)

    @field_validator("loss")
    @classmethod
    def _of_fields_there_are(cls, loss: Loss) -> Loss:
        run = by_name("RUN_COMPLETED")
        assert run is not None
        numeric = [field.name for field in run.fields if field.kind in {"int", "float", "bool"}]
        if unknown := [item for item in loss.terms if item.field not in numeric]:
            first = unknown[0]
            raise ValueError(
                f"the term {first.name!r} is made of {first.field!r}, which is no numeric field of RUN_COMPLETED; "
                f"those are {', '.join(numeric)}"
            )
        return loss

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file over defaults; no `.env` file is read."""
        assert isinstance(init_settings, InitSettingsSource)
        return env_settings, init_settings


def load(lake: str | Path | None = None) -> Settings:
    """Read the settings of a lake.

    Args:
        lake: Folder that may hold `kaizen.toml`; None reads defaults and the environment alone.

    Raises:
        SettingsError: The file is no TOML, or a name or value is outside its rule.
    """
    path = _file(lake)
    written = _written(path)
    try:
        return Settings(**written)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            _words(first),
            where=str(path) if path is not None else "environment",
            hint=f"The {FILE_NAME} that `kaizen init` writes explains every setting.",
        ) from error


@dataclass(frozen=True)
class Origin:
    """One setting as it holds for a lake.

    Args:
        name: Group and name, such as `tiers.good`.
        value: The value that holds.
        default: The value it has where nobody sets it.
        source: Who set it: nobody (default), `kaizen.toml` (file) or a `KAIZEN_…` variable (environment).
        description: What it means.
    """

    name: str
    value: Any
    default: Any
    source: Literal["default", "file", "environment"]
    description: str


def origins(lake: str | Path | None = None) -> tuple[Origin, ...]:
    """Every setting of a lake, with its value and who set it.

    Raises:
        SettingsError: As `load`.
    """
    settings, written = load(lake), _written(_file(lake))
    set_by = {name.upper() for name in os.environ}
    found = []
    for group, name, default, description in _each():
        variable = f"KAIZEN_{group}".upper()
        source: Literal["default", "file", "environment"] = "default"
        if f"{variable}__{name}".upper() in set_by or name in _json_object(os.environ.get(variable)):
            source = "environment"
        elif name in written.get(group, {}):
            source = "file"
        value = getattr(settings, group).model_dump()[name]
        found.append(Origin(f"{group}.{name}", value, default, source, description))
    return tuple(found)


def template() -> str:
    """A `kaizen.toml` that sets nothing: every setting with its meaning and default, as comments.

    >>> "# good = 0.05" in template()
    True
    """
    lines = [
        "# Settings of this lake. A line without its # counts; a variable such as KAIZEN_TIERS__GOOD=0.06 overrides it.",
        "# `kaizen doctor` lists the values that hold and where each comes from.",
    ]
    current = ""
    for group, name, default, description in _each():
        if group != current:
            current = group
            lines += ["", f"[{group}]", f"# {inspect.getdoc(_model(group))}"]
        lines += ["", f"# {description}", f"# {name} = {_toml(default)}"]
    return "\n".join(lines) + "\n"


def _words(problem: ErrorDetails) -> str:
    """What is wrong with a setting; of a name that there is not, the nearest that there is."""
    *groups, last = (str(part) for part in problem["loc"])
    name = ".".join((*groups, last))
    if problem["type"] == "extra_forbidden" and len(groups) < 2:
        model: type[BaseModel] = _model(groups[0]) if groups else Settings
        return f"There is no setting {name!r}{near(last, model.model_fields)}; found {problem['input']!r}."
    rule = problem["msg"].removeprefix("Value error, ")
    return f"Setting {name!r}: {rule}; found {problem['input']!r}."


def _toml(value: Any) -> str:
    """A default as TOML writes it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {_toml(item)}' for name, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


def _file(lake: str | Path | None) -> Path | None:
    path = Path(lake) / FILE_NAME if lake is not None and "://" not in str(lake) else None
    return path if path is not None and path.is_file() else None


def _written(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"Settings are not readable as TOML: {error}", where=str(path)) from error


def _model(group: str) -> type[Group]:
    model = Settings.model_fields[group].annotation
    assert isinstance(model, type)
    assert issubclass(model, Group)
    return model


def _each() -> Iterator[tuple[str, str, Any, str]]:
    for group in Settings.model_fields:
        model = _model(group)
        defaults = model().model_dump()
        for name, field in model.model_fields.items():
            yield group, name, defaults[name], field.description or ""


def _json_object(text: str | None) -> dict[str, Any]:
    # `load` has accepted the variable, so it is an object of settings.
    return dict(json.loads(text)) if text else {}
