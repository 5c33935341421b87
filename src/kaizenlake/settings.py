"""The settings of one lake: a frozen object made of defaults, `kaizen.toml` and `KAIZEN_…` variables, in that order."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kaizenlake.errors import SettingsError
from kaizenlake.parameters import Clarity, Confidence, Evidence, Labels, Landing, Publishing, Tiers, Windows

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
    publishing: Publishing = Field(default_factory=Publishing)
    landing: Landing = Field(default_factory=Landing)

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
    written: dict[str, Any] = {}
    path = Path(lake) / FILE_NAME if lake is not None and "://" not in str(lake) else None
    if path is not None and path.is_file():
        try:
            written = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"Settings are not readable as TOML: {error}", where=str(path)) from error
    try:
        return Settings(**written)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"Setting {name!r}: {first['msg']}; found {first.get('input')!r}.",
            where=str(path) if path is not None and path.is_file() else "environment",
            hint="`kaizen doctor` lists every setting with its rule.",
        ) from error
