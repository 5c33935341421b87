"""The file of a doer's policies: read, checked, and made into one route for each arm."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from kaizenlake.context._files import (
    CORRUPT,
    DENIED,
    FRESH,
    MISSING,
    UNUSABLE,
    Answer,
    UnusableError,
    check_kind,
    describe_error,
    instants_of,
    read_signed,
)
from kaizenlake.context._tenants import check_tenant

FOLDER = "policies"
SCHEMA = "kaizen-policies"
VERSION = 1
FILE_BYTES = 64 * 1024 * 1024

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def file_name(doer: str) -> str:
    """Name of the file of a doer, whatever the doer is called; no two have the same.

    >>> file_name("planner"), file_name("../planner")[:14]
    ('planner.json', 'sha256-f265ced')
    """
    if _PLAIN.fullmatch(doer):
        return f"{doer}.json"
    return f"sha256-{sha256(doer.encode('utf-8', 'surrogatepass')).hexdigest()}.json"


class Shadow(NamedTuple):
    """A candidate that is to run beside the one that serves, its answer seen by nobody.

    Args:
        policy_version: Version of the policy.
        document: Its document.
    """

    policy_version: str
    document: Mapping[str, Any]


class _Route(NamedTuple):
    policy_id: str | None
    policy_version: str | None
    deployment_id: str | None
    arm: int
    document: Mapping[str, Any]
    reason: str
    detail: str = ""
    content_sha256: str | None = None
    shadows: tuple[Shadow, ...] = ()


class Route(_Route, Answer):
    """The policy for a unit, and how it came.

    Args:
        policy_id: The policy; None for a default.
        policy_version: Version that serves the unit; None for a default. The run is logged with it.
        deployment_id: Canary or shadow the unit takes part in, with which its runs are logged; None for none.
        arm: 0 for the control, 1 for the first candidate, and so on.
        document: Document of the version: prompts, parameters, rules, tools. It cannot be changed.
        reason: `fresh`, `stale`, or `default: …` with what is wrong.
        detail: What was found, in words; empty for a fresh one.
        content_sha256: Hash of the document; None for a default.
        shadows: Candidates that are to run beside it, in the shadow.
    """

    __slots__ = ()


Mark = tuple[int, int, int, int]


class RoutedPolicy(NamedTuple):
    """One policy of a doer: a route per arm, made when the file was read."""

    salt: str | None
    shares: tuple[float, ...]
    arms: tuple[Route, ...]


class KnownFile(NamedTuple):
    """The file of a doer as it was read, and what is wrong with the one that lies there now."""

    path: str
    mark: Mark
    generated_at: datetime
    valid_until: float
    by_phase: Mapping[str | None, RoutedPolicy]
    by_id: Mapping[tuple[str, str | None], RoutedPolicy]
    trouble: str = ""
    again_at: float = 0.0

    def of(self, phase: str | None, policy_id: str | None) -> RoutedPolicy:
        """Return the policy of a phase, else of every phase."""
        if not all(value is None or isinstance(value, str) for value in (phase, policy_id)):
            raise UnusableError(UNUSABLE, "phase and policy_id are texts")
        for one in (phase, None):
            found = self.by_phase.get(one) if policy_id is None else self.by_id.get((policy_id, one))
            if found is not None:
                return found
        named = "" if policy_id is None else f" of the policy {policy_id}"
        wanted = "every phase" if phase is None else f"the phase {phase}"
        raise UnusableError(MISSING, f"no version{named} serves {wanted}"[:300])


def mark_of(path: str) -> Mark:
    """Return what tells a file from the one that lies there after it.

    Raises:
        OSError: It is not there, or may not be looked at.
    """
    state = os.stat(path)
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def read(path: str, doer: str, tenant: str | None, public_key: Any) -> KnownFile:
    """Return what the file of a doer says.

    Args:
        path: The file.
        doer: The doer it must be of.
        tenant: The tenant it must be of; None where none is named.
        public_key: As for `Router`.

    Raises:
        UnusableError: It is not there, or not what it should be. Other errors come from a form that is none.
    """
    # The facts come first: a file that is swapped meanwhile is read again with the next call.
    try:
        mark = mark_of(path)
    except PermissionError:
        raise UnusableError(DENIED, f"{path} may not be read") from None
    except OSError as error:
        raise UnusableError(MISSING, f"{path}: {error.strerror}") from None
    signed = read_signed(path, FILE_BYTES, public_key, "policies")
    check_kind(signed, path, (SCHEMA, VERSION), doer)
    check_tenant(signed, tenant)
    generated_at, valid_until = instants_of(signed, path)
    by_phase: dict[str | None, RoutedPolicy] = {}
    by_id: dict[tuple[str, str | None], RoutedPolicy] = {}
    for item in signed["policies"]:
        policy = _make_policy(item)
        by_phase.setdefault(item["phase"], policy)
        by_id.setdefault((item["policy_id"], item["phase"]), policy)
    return KnownFile(path, mark, generated_at, valid_until.timestamp(), by_phase, by_id)


def _make_policy(item: dict[str, Any]) -> RoutedPolicy:
    """Return a policy with the route of each arm."""
    policy_id, deployment_id, mode = _text(item["policy_id"]), item["deployment_id"], item["mode"]
    active, *candidates = (_version(one) for one in (item["active"], *item["candidates"]))
    if mode is None:
        if deployment_id is not None or candidates:
            raise UnusableError(CORRUPT, f"{policy_id} has a deployment of no mode")
        return RoutedPolicy(None, (), (Route(policy_id, active[0], None, 0, active[2], FRESH, "", active[1]),))
    _text(deployment_id)
    if mode == "shadow":
        shadows = tuple(Shadow(version, document) for version, _, document in candidates)
        arm = Route(policy_id, active[0], deployment_id, 0, active[2], FRESH, "", active[1], shadows)
        return RoutedPolicy(None, (), (arm,))
    if mode != "canary":
        raise UnusableError(CORRUPT, f"{policy_id} has a deployment of an unknown mode")
    if [one["policy_version"] for one in item["allocation"]] != [version for version, _, _ in candidates]:
        raise UnusableError(CORRUPT, f"the allocation of {policy_id} names other versions than its candidates")
    shares = tuple(_compute_share(one["share"]) for one in item["allocation"])
    if sum(shares) > 1:
        raise UnusableError(CORRUPT, f"the shares of {policy_id} sum to more than 1")
    arms = tuple(
        Route(policy_id, version, deployment_id, arm, document, FRESH, "", digest)
        for arm, (version, digest, document) in enumerate((active, *candidates))
    )
    return RoutedPolicy(_text(item["salt"]), shares, arms)


def _version(item: dict[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    """Return a version of a policy: its name, its hash, and its document, which must have that hash."""
    document, digest = item["document"], _text(item["content_sha256"])
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    if not isinstance(document, dict) or sha256(canonical).hexdigest() != digest:
        raise UnusableError(CORRUPT, f"the document of version {item['policy_version']} is not what its hash says")
    return _text(item["policy_version"]), digest, freeze(document)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UnusableError(CORRUPT, f"{describe_error(TypeError(value))} is no text")
    return value


def _compute_share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UnusableError(CORRUPT, "a share of an allocation is none")
    return float(value)


class Frozen(dict[str, Any]):
    """A document that is shared by all calls, so that none can change it; `copy.deepcopy` makes one that can be."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a document that was routed cannot be changed; copy.deepcopy makes one that can")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __deepcopy__(self, memo: Any) -> dict[str, Any]:
        return {key: _thaw(value) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return freeze, (self.__deepcopy__(None),)


def freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return Frozen((key, freeze(item)) for key, item in value.items())
    return tuple(map(freeze, value)) if isinstance(value, list) else value


def _thaw(value: Any) -> Any:
    if isinstance(value, Frozen):
        return value.__deepcopy__(None)
    return [_thaw(item) for item in value] if isinstance(value, tuple) else value
