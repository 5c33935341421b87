"""The catalogue: every event type there is, by family; everything that knows of events follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import msgspec
from msgspec import inspect

from kaizenlake.events.types import (
    acquisition,
    ads,
    core,
    deployment_log,
    email,
    experiment_log,
    intake,
    packs,
    performance,
    policy_log,
    replay_log,
    routings,
    runs,
    trust_log,
    web,
)
from kaizenlake.events.types.agency import brand_facts, task_log
from kaizenlake.events.types.training import dataset_log, job_log, learning_log, model_log
from kaizenlake.events.values.fields import Payload


def type_name(payload: type[Payload]) -> str:
    """Name of the event type that a payload class declares.

    >>> type_name(acquisition.LeadCreated)
    'LEAD_CREATED'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", payload.__name__).upper()


@dataclass(frozen=True)
class Field:
    """One field of a payload, as the catalogue declares it.

    Args:
        name: Name in the payload, and of the silver column.
        kind: Plain type: `str`, `int`, `float`, `bool`, `datetime`, `list` (of text) or `dict` (kept as JSON text).
        required: The event is refused without it.
        nullable: It may be null.
        default: What an event that leaves it out holds; None where that is null or the field is required.
        description: What it means.
        unit: Unit of the value, or an empty text.
        minimum: Smallest value allowed, or None.
        maximum: Largest value allowed, or None.
        name_given: Applications that exist gave the name, so its unit may be missing from it.
    """

    name: str
    kind: str
    required: bool
    nullable: bool
    default: Any
    description: str
    unit: str
    minimum: float | None
    maximum: float | None
    name_given: bool


@dataclass(frozen=True, eq=False)
class Family:
    """Event types that belong together and share one silver table.

    Args:
        name: Name of the family and of its silver table.
        meaning: What its events tell, in one sentence.
        events: Payload classes, in the order of the story they tell.
        needs_project: Its events are refused without a project.
        is_decision: Its events are decisions: commands append them, which check the gates; what lands otherwise is refused.
    """

    name: str
    meaning: str
    events: tuple[type[Payload], ...]
    needs_project: bool = False
    is_decision: bool = False

    @cached_property
    def types(self) -> tuple[EventType, ...]:
        """The event types of the family, in the order of their payload classes."""
        return tuple(EventType(type_name(payload), self, payload) for payload in self.events)


def events_of(module: ModuleType) -> tuple[type[Payload], ...]:
    """Return the payload classes that a module declares, in their order; those it shares begin with an underscore."""
    return tuple(
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Payload)
        and value.__module__ == module.__name__
        and name[0] != "_"
    )


FAMILIES: tuple[Family, ...] = (
    Family(
        "core",
        "Strategies, creatives, contents, executions and workflows of the generating application.",
        events_of(core),
    ),
    Family(
        "packs",
        "Packs of sections that are generated, assessed and delivered.",
        events_of(packs),
    ),
    Family(
        "acquisition",
        "Leads, outreach and deals.",
        events_of(acquisition),
    ),
    Family(
        "intake",
        "How clear a client's brief is, and how it became clear.",
        events_of(intake),
        needs_project=True,
    ),
    Family(
        "performance",
        "What published content achieved, and what people said of it.",
        events_of(performance),
    ),
    Family("email", "What e-mail campaigns achieved.", events_of(email)),
    Family("ads", "What was paid for ads, and what came of them.", events_of(ads)),
    Family("web", "What the pages of a site achieved.", events_of(web)),
    Family(
        "runs",
        "What an agent run did step by step, and what it cost, passed and broke.",
        events_of(runs),
    ),
    Family(
        "experiment_log",
        "Attempts to find a better policy for an agent.",
        events_of(experiment_log),
    ),
    Family(
        "policy_log",
        "Policies of agents, and what was decided of them.",
        events_of(policy_log),
        is_decision=True,
    ),
    Family(
        "deployment_log",
        "Shadows and canaries: candidates that run beside their control.",
        events_of(deployment_log),
        is_decision=True,
    ),
    Family(
        "replay_log",
        "Golden sets, and candidates evaluated on logged runs.",
        events_of(replay_log),
        is_decision=True,
    ),
    Family("routings", "Units that were routed to a version of a policy, before they run.", events_of(routings)),
    Family("brand_facts", "What is known of the brands that are worked for.", events_of(brand_facts)),
    Family(
        "task_log",
        "Tasks for brands: proposed, approved or rejected, scheduled, and what came of them.",
        events_of(task_log),
        is_decision=True,
    ),
    Family(
        "learning_log",
        "Tasks and plans of agents with what went in and came out, and what they are worth.",
        events_of(learning_log),
    ),
    Family(
        "dataset_log",
        "Data sets that were cut to learn from, and texts that were frozen to be learnt from by none.",
        events_of(dataset_log),
        is_decision=True,
    ),
    Family(
        "model_log",
        "Models that were registered, what was found of them, and what was decided of them.",
        events_of(model_log),
        is_decision=True,
    ),
    Family(
        "job_log",
        "Training jobs that were asked for, what became of them, and the loss of every step.",
        events_of(job_log),
        is_decision=True,
    ),
    Family(
        "trust_log",
        "Keys of the lake and of persons, and what was adopted from an older lake.",
        events_of(trust_log),
        is_decision=True,
    ),
)


@dataclass(frozen=True, eq=False)
class EventType:
    """One event type: its name, family and payload class."""

    name: str
    family: Family
    payload: type[Payload]

    @property
    def meaning(self) -> str:
        """What the event tells, in one sentence."""
        return (self.payload.__doc__ or "").strip()

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The payload's fields in the order of their declaration."""
        info = inspect.type_info(self.payload)
        assert isinstance(info, inspect.StructType)
        return tuple(_make_field(field) for field in info.fields)

    @cached_property
    def required_fields(self) -> tuple[str, ...]:
        """Names of the payload's fields that an event must give, in the order of their declaration."""
        names, defaults = self.payload.__struct_fields__, self.payload.__struct_defaults__
        given = (*(msgspec.NODEFAULT for _ in range(len(names) - len(defaults))), *defaults)
        return tuple(name for name, default in zip(names, given, strict=True) if default is msgspec.NODEFAULT)

    @cached_property
    def is_record(self) -> bool:
        """Whether it records figures, of which it says in `figures` what they count: later ones replace them or add to them."""
        return "figures" in self.payload.__struct_fields__

    @cached_property
    def text_fields(self) -> frozenset[str]:
        """Names of the payload's identifiers (`..._id`), which an application may also hold as numbers."""
        return frozenset(name for name in self.payload.__struct_fields__ if name.endswith("_id"))


class Catalogue:
    """Families of events that count together: ours, or ours and those of plug-ins.

    Args:
        families: The families, each with its event types.
        hint: What to say beside a type that is unknown; empty for nothing.
    """

    def __init__(self, families: tuple[Family, ...], *, hint: str = "") -> None:
        self.families = families
        self.hint = hint
        self.events: tuple[EventType, ...] = tuple(event for family in families for event in family.types)
        self.logged: tuple[EventType, ...] = tuple(event for event in self.events if not event.family.is_decision)
        """Those that applications log; the others are decisions, which commands append."""
        self._by_name = {event.name: event for event in self.events}

    def by_name(self, name: object) -> EventType | None:
        """Return the event type of that name, or None."""
        return self._by_name.get(name) if isinstance(name, str) else None


OURS = Catalogue(FAMILIES)
"""The catalogue without any plug-in."""

EVENTS: tuple[EventType, ...] = OURS.events

LOGGED: tuple[EventType, ...] = OURS.logged
"""Those that applications log; the others are decisions, which commands append."""

_KINDS: dict[type[Any], str] = {
    inspect.StrType: "str",
    inspect.LiteralType: "str",
    inspect.IntType: "int",
    inspect.FloatType: "float",
    inspect.BoolType: "bool",
    inspect.DateTimeType: "datetime",
    inspect.ListType: "list",
    inspect.DictType: "dict",
}


def _make_field(field: inspect.Field) -> Field:
    description, unit, name_given, nullable = "", "", False, False
    node: Any = field.type
    while True:
        if isinstance(node, inspect.Metadata):
            description = (node.extra_json_schema or {}).get("description", "") or description
            unit = (node.extra or {}).get("unit", "") or unit
            name_given = (node.extra or {}).get("name_given", False) or name_given
            node = node.type
        elif isinstance(node, inspect.UnionType):
            nullable = True
            (node,) = (part for part in node.types if not isinstance(part, inspect.NoneType))
        else:
            break
    return Field(
        name=field.encode_name,
        kind=_KINDS[type(node)],
        required=field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT,
        nullable=nullable,
        default=_default(field),
        description=description,
        unit=unit,
        minimum=getattr(node, "ge", None),
        maximum=getattr(node, "le", None),
        name_given=name_given,
    )


def _default(field: inspect.Field) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return None if field.default is msgspec.NODEFAULT else field.default


def by_name(name: object) -> EventType | None:
    """Return our event type of that name, or None."""
    return OURS.by_name(name)
