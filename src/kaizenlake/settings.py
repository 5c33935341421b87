"""The settings of one lake: a frozen object made of defaults, `kaizen.toml` and `KAIZEN_…` variables, in that order."""

from __future__ import annotations

import csv
import inspect
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails

from kaizenlake.errors import SettingsError
from kaizenlake.events.catalogue import by_name
from kaizenlake.events.rules import near
from kaizenlake.parameters import (
    AlertRules,
    AnomalyRules,
    Canaries,
    Clarity,
    Confidence,
    Costs,
    Curation,
    EvidenceNeeds,
    Feedback,
    FunnelWindow,
    GeneratorEndpoint,
    Labels,
    LandingLimits,
    LossRules,
    Maintenance,
    Money,
    OwnBenchmarks,
    ParameterGroup,
    Promotion,
    Publishing,
    Replays,
    Reporting,
    Retention,
    Schedule,
    SiteRules,
    Skills,
    TaskRules,
    Tenants,
    TextModels,
    Tiers,
    Trends,
    Windows,
)

FILE_NAME = "kaizen.toml"
PREFIX, BETWEEN = "KAIZEN_", "__"
"""A variable is named KAIZEN_GROUP__NAME, or KAIZEN_GROUP for an object of settings."""

Source: TypeAlias = Literal["default", "file", "environment"]


class Settings(BaseModel):
    """All settings of a lake; each group is described in `kaizenlake.parameters`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tiers: Tiers = Field(default_factory=Tiers)
    labels: Labels = Field(default_factory=Labels)
    windows: Windows = Field(default_factory=Windows)
    evidence: EvidenceNeeds = Field(default_factory=EvidenceNeeds)
    text_models: TextModels = Field(default_factory=TextModels)
    clarity: Clarity = Field(default_factory=Clarity)
    funnel: FunnelWindow = Field(default_factory=FunnelWindow)
    confidence: Confidence = Field(default_factory=Confidence)
    loss: LossRules = Field(default_factory=LossRules)
    trends: Trends = Field(default_factory=Trends)
    promotion: Promotion = Field(default_factory=Promotion)
    tasks: TaskRules = Field(default_factory=TaskRules)
    anomalies: AnomalyRules = Field(default_factory=AnomalyRules)
    feedback: Feedback = Field(default_factory=Feedback)
    schedule: Schedule = Field(default_factory=Schedule)
    readiness: OwnBenchmarks = Field(default_factory=OwnBenchmarks)
    reporting: Reporting = Field(default_factory=Reporting)
    generator: GeneratorEndpoint = Field(default_factory=GeneratorEndpoint)
    canaries: Canaries = Field(default_factory=Canaries)
    replays: Replays = Field(default_factory=Replays)
    skills: Skills = Field(default_factory=Skills)
    costs: Costs = Field(default_factory=Costs)
    curation: Curation = Field(default_factory=Curation)
    money: Money = Field(default_factory=Money)
    alerts: AlertRules = Field(default_factory=AlertRules)
    publishing: Publishing = Field(default_factory=Publishing)
    site: SiteRules = Field(default_factory=SiteRules)
    tenants: Tenants = Field(default_factory=Tenants)
    landing: LandingLimits = Field(default_factory=LandingLimits)
    maintenance: Maintenance = Field(default_factory=Maintenance)
    retention: Retention = Field(default_factory=Retention)

    @field_validator("loss")
    @classmethod
    def _of_fields_there_are(cls, loss: LossRules) -> LossRules:
        told = (by_name("RUN_COMPLETED"), by_name("RUN_SCORED"))
        fields = {field.name: field for event in told if event is not None for field in event.fields}
        numeric = [name for name, field in fields.items() if field.kind in {"int", "float", "bool"}]
        if unknown := [item for item in loss.terms if item.field not in numeric]:
            first = unknown[0]
            raise ValueError(
                f"the term {first.name!r} is made of {first.field!r}, which is no numeric field of RUN_COMPLETED or RUN_SCORED; "
                f"those are {', '.join(numeric)}"
            )
        return loss


def load(lake: str | Path | None = None) -> Settings:
    """Read the settings of a lake.

    Args:
        lake: Folder that may hold `kaizen.toml`; None reads defaults and the environment alone.

    Raises:
        SettingsError: The file is no TOML, or a name or value is outside its rule; the words say which, and where it is.
    """
    return _read(lake)[0]


@dataclass(frozen=True)
class SettingOrigin:
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
    source: Source
    description: str


def origins(lake: str | Path | None = None) -> tuple[SettingOrigin, ...]:
    """Return every setting of a lake, with its value and who set it.

    Raises:
        SettingsError: As `load`.
    """
    settings, given = _read(lake)
    values = settings.model_dump()
    found = []
    for group, name, default, description in _each():
        source: Source = given[group, name].source if (group, name) in given else "default"
        found.append(SettingOrigin(f"{group}.{name}", _show(values[group][name]), default, source, description))
    return tuple(found)


def template() -> str:
    """Return a `kaizen.toml` that sets nothing: every setting with its meaning and default, as comments.

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


@dataclass(frozen=True)
class _Given:
    """A setting that somebody has set."""

    value: Any
    source: Source
    where: str


def _read(lake: str | Path | None) -> tuple[Settings, dict[tuple[str, str], _Given]]:
    """Return the settings of a lake, and those that somebody has set: by the file, or by variables, which go before it."""
    path = _file(lake)
    written = _read_file(path)
    given = {
        (group, name): _Given(value, "file", str(path))
        for group, named in written.items()
        for name, value in (named.items() if isinstance(named, dict) else [("", named)])
    }
    given |= dict(_set_by_variables())
    content = {group: {} if isinstance(named, dict) else named for group, named in written.items()}
    for (group, name), item in given.items():
        if isinstance(content.setdefault(group, {}), dict):
            content[group][name] = item.value
    for group, named, listed in (("costs", "price_file", "prices"), ("money", "rate_file", "rates")):
        _read_table(content, given, path, group, (named, listed))
    _read_benchmarks(content, given, path)
    try:
        return Settings.model_validate(content), given
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            _describe_problem(first),
            where=_where(first["loc"], given) or str(path or "environment"),
            hint=_hint(first["loc"]),
        ) from error


def _read_table(
    content: dict[str, Any], given: dict[tuple[str, str], _Given], path: Path | None, group: str, names: tuple[str, str]
) -> None:
    """Add the rows of the file that a setting names to those that the settings hold themselves."""
    named, listed = names
    found = content.get(group)
    name = found.get(named) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not name or not isinstance(name, str):
        return
    file = (path.parent if path is not None else Path()) / name
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = [{key: value for key, value in row.items() if value} for row in csv.DictReader(stream, strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(
            f"The {named.replace('_', ' ')} cannot be read: {error}", where=str(file), hint=_hint((group, named))
        ) from error
    given[group, listed] = _Given(rows, "file", str(file))
    found[listed] = [*found.get(listed, ()), *rows]


def _set_by_variables() -> Iterator[tuple[tuple[str, str], _Given]]:
    """Yield settings by variables of the environment, whatever their case; KAIZEN_GROUP__NAME after KAIZEN_GROUP.

    What has two underscores is a setting, or a mistyped one. Without them it is one where its name is that of a group, where
    it holds an object, or where it is all but the name of a setting; other variables, such as KAIZEN_LAKE, are none.
    """
    for variable in sorted(os.environ, key=str.upper):
        if not variable.upper().startswith(PREFIX):
            continue
        text, where = os.environ[variable], f"the variable {variable}"
        group, nested, name = variable[len(PREFIX) :].lower().partition(BETWEEN)
        if nested:
            yield (group, name), _Given(_value(group, name, text), "environment", where)
            continue
        if (named := _json(text)).__class__ is dict:
            yield from (((group, name), _Given(value, "environment", where)) for name, value in named.items())
        elif group in Settings.model_fields:
            raise SettingsError(
                f"Setting {group!r}: expected a JSON object of its settings; found {_quote_of(group, text)}.",
                where=where,
            )
        elif (meant := _find_meant(group)) is not None:
            raise SettingsError(
                f"There is no setting {group!r} (did you mean `{meant}`?); found {_quote_of(group, text)}.", where=where
            )


def _find_meant(name: str) -> str | None:
    """Return the variable that was all but named, such as by one underscore for two."""
    variables = {f"{group}_{setting}": f"{group}{BETWEEN}{setting}" for group, setting, *_ in _each()}
    found = get_close_matches(name, variables, n=1, cutoff=0.8)
    return PREFIX + variables[found[0]].upper() if found else None


def _value(group: str, name: str, text: str) -> Any:
    """Return what a variable says; a list is written as JSON."""
    field = _model(group).model_fields.get(name) if group in Settings.model_fields else None
    is_list = field is not None and get_origin(field.annotation) is tuple
    return text if not is_list or (value := _json(text)) is None else value


def _json(text: str) -> Any:
    """Return what a text holds as JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_benchmarks(content: dict[str, Any], given: dict[tuple[str, str], _Given], path: Path | None) -> None:
    """Add the files of the folder that a setting names, each checked by the schema of benchmarks."""
    found = content.get("readiness")
    name = found.get("benchmark_folder") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not name or not isinstance(name, str):
        return
    folder = (path.parent if path is not None else Path()) / name
    hint = _hint(("readiness", "benchmark_folder"))
    files = sorted(folder.glob(BENCHMARK_FILES))
    if not files:
        raise SettingsError(f"There is no {BENCHMARK_FILES} in the folder of benchmarks.", where=str(folder), hint=hint)
    held = dict(found.get("benchmarks") or {})
    for file in files:
        try:
            read = json.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise SettingsError(f"The benchmark cannot be read: {error}", where=str(file), hint=hint) from error
        named = file.name.removeprefix(BENCHMARK_FILES.partition("*")[0]).removesuffix(".json")
        if not isinstance(read, dict) or read.get("pack") != named:
            raise SettingsError(
                f"Expected a benchmark of the pack {named!r}, by whose name the file is called; found "
                f"{read.get('pack') if isinstance(read, dict) else type(read).__name__!r}.",
                where=str(file),
                hint=hint,
            )
        if (problem := _find_schema_problem(read)) is not None:
            raise SettingsError(
                f"The benchmark breaks the schema of benchmarks: {problem}.", where=str(file), hint=hint
            )
        held[named] = read
    given["readiness", "benchmarks"] = _Given(held, "file", str(folder))
    found["benchmarks"] = held


BENCHMARK_FILES = "section_benchmarks.*.json"


def _find_schema_problem(benchmark: dict[str, Any]) -> str | None:
    """Return what breaks the published JSON Schema of benchmarks; None where nothing does."""
    import jsonschema_rs

    schema = resources.files("kaizenlake") / "readiness" / "benchmarks" / "benchmarks.schema.json"
    validator = jsonschema_rs.validator_for(json.loads(schema.read_text(encoding="utf-8")))
    problem = next(validator.iter_errors(benchmark), None)
    if problem is None:
        return None
    place = "/".join(map(str, problem.instance_path))
    return f"{place or 'the file'}: {problem.message}"


_EXPECTED = {
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "model": "a table of settings",
    "string": "a text",
    "tuple": "a list",
}
_MANY = {int: "whole numbers", str: "texts"}


def _describe_problem(problem: ErrorDetails) -> str:
    """Return what is wrong with a setting; of a name that there is not, the nearest that there is."""
    *groups, last = (str(part) for part in problem["loc"])
    name = ".".join((*groups, last))
    if problem["type"] == "extra_forbidden" and len(groups) < 2:
        model: type[BaseModel] = _model(groups[0]) if groups else Settings
        return (
            f"There is no setting {name!r}{near(last, model.model_fields)}; found {_quote_of(name, problem['input'])}."
        )
    of = ""
    if problem["type"] == "tuple_type" and len(groups) == 1 and (field := _model(groups[0]).model_fields.get(last)):
        of = f" of {_MANY.get(get_args(field.annotation)[0], 'tables')}"
    if groups[:1] == ["generator"] or name == "generator":
        # What is told of a generator holds its key.
        said = describe_broken({**problem, "input": problem["input"] if last in _TOLD_OF_GENERATOR else _HIDDEN}, of)
        return f"Setting {name!r}: {said}."
    may_be_secret = name == "alerts" or (groups[:1] == ["alerts"] and last in _SECRETS_OF_ALERTS)
    if may_be_secret and isinstance(problem["input"], (str, dict)):
        return f"Setting {name!r}: {describe_broken({**problem, 'input': _HIDDEN}, of)}."
    return f"Setting {name!r}: {describe_broken(problem, of)}."


_SECRETS_OF_ALERTS = frozenset({"webhook", "smtp_password"})


def describe_broken(problem: ErrorDetails, of: str = "") -> str:
    """Return which rule a value breaks, in words: what was expected, and what was found.

    Args:
        problem: What pydantic says of it.
        of: What a list is to hold, where that is known.
    """
    kind, _, rule = problem["type"].partition("_")
    if kind in _EXPECTED and rule in {"type", "parsing", "from_float"}:
        expected = f"expected {_EXPECTED[kind]}{of}"
    else:
        expected = problem["msg"].removeprefix("Value error, ")
        for theirs, ours in (("greater", "a number greater"), ("less", "a number less"), ("", "")):
            expected = expected.replace(f"Input should be {theirs}", f"expected {ours}")
    return f"{expected}; found {_quote(problem['input'])}"


def _quote(value: Any) -> str:
    """Return a value as it was given, for words: no longer than words are."""
    said = repr(value)
    return f"{'the text ' if isinstance(value, str) else ''}{said if len(said) <= _LONGEST else said[:_LONGEST] + '…'}"


_LONGEST = 200

_TOLD_OF_GENERATOR = frozenset(GeneratorEndpoint.model_fields) - {"api_key", "base_url"}


class _Hidden:
    """Stands for a value that may be a secret."""

    def __repr__(self) -> str:
        return "what is not shown"


_HIDDEN = _Hidden()


def _quote_of(name: str, value: Any) -> str:
    """Return the value of a setting as it was given, unless it is or may hold a key."""
    may_be_secret = name.startswith("generator") or any(word in name.lower() for word in _SECRET_WORDS)
    may_be_secret |= name.startswith("alerts") and isinstance(value, (str, dict))
    return _quote(_HIDDEN if may_be_secret else value)


_SECRET_WORDS = ("key", "webhook", "password")


def _where(loc: tuple[int | str, ...], given: Mapping[tuple[str, str], _Given]) -> str:
    """Return where a setting was set, or all settings of a group that do not go together."""
    group, *more = map(str, loc)
    found = (item.where for (one, name), item in given.items() if one == group and (not more or name == more[0]))
    return ", ".join(dict.fromkeys(found))


def _hint(loc: tuple[int | str, ...]) -> str:
    """Return what a setting means; of a name that there is not, where all are explained."""
    group, name, *_ = (*map(str, loc), "", "")
    field = _model(group).model_fields.get(name) if group in Settings.model_fields else None
    if field is None or not field.description:
        return f"The {FILE_NAME} that `kaizen init` writes explains every setting."
    return f"It is: {field.description}"


def _toml(value: Any) -> str:
    """Return a default as TOML writes it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {_toml(item)}' for name, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


def _file(lake: str | Path | None) -> Path | None:
    path = Path(lake) / FILE_NAME if lake is not None and "://" not in str(lake) else None
    return path if path is not None and path.is_file() else None


def _read_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"Settings are not readable as TOML: {error}", where=str(path)) from error


def _model(group: str) -> type[ParameterGroup]:
    model = Settings.model_fields[group].annotation
    assert isinstance(model, type)
    assert issubclass(model, ParameterGroup)
    return model


def _each() -> Iterator[tuple[str, str, Any, str]]:
    for group in Settings.model_fields:
        model = _model(group)
        defaults = model().model_dump()
        for name, field in model.model_fields.items():
            yield group, name, _show(defaults[name]), field.description or ""


def _show(value: Any) -> Any:
    """Return a value as it may be shown: of a secret only that there is one."""
    return str(value) if isinstance(value, SecretStr) else value
