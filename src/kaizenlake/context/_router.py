"""Which version of a policy serves a unit, by the file that the night published for the doer.

A call looks at the file's facts, hashes the unit, and answers from what the process holds; the file is read again when it
is another. So a roll back reaches a running service with its next call.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from kaizenlake.context._arms import arm_of
from kaizenlake.context._files import (
    CORRUPT,
    MISSING,
    OLDER,
    STALE,
    TENANT_NEEDED,
    UNUSABLE,
    UnusableError,
    describe_error,
    describe_kept,
    forget_oldest,
)
from kaizenlake.context._policies import FOLDER, Frozen, KnownFile, Route, file_name, freeze, mark_of, read
from kaizenlake.context._tenants import check_alone, folders_of

REMEMBERED = 1000
"""Doers whose policies a router keeps, and routers that a process keeps for `route`."""

AGAIN_SECONDS = 1.0
"""How long a file that could not be used is left alone before it is read again."""


class Router:
    """Routes units to policies; safe from threads, and it never raises in service.

    Args:
        published: The `published` folder of a lake.
        public_key: Ed25519 key that must have signed the files: PEM, or the path of a PEM file. Keep your own copy; the
            one in the folder proves nothing. This alone needs `cryptography`.
        default: Document where nothing published can be used; empty if not given.
        tenant: Tenant whose policies are wanted, an empty text for the events without one. Needed where a lake has several.
    """

    def __init__(
        self,
        published: str | os.PathLike[str],
        public_key: str | bytes | os.PathLike[str] | None = None,
        default: Mapping[str, Any] | None = None,
        tenant: str | None = None,
    ) -> None:
        self._published = published
        self._public_key = public_key
        self._tenant = tenant
        self._default = freeze(dict(default)) if isinstance(default, Mapping) else Frozen()
        self._held: dict[str, KnownFile] = {}

    def route(
        self, doer: str, unit_id: str | int | None = None, phase: str | None = None, policy_id: str | None = None
    ) -> Route:
        """Return the policy that serves a unit: of its phase where there is one, else that of every phase.

        A unit that is neither text nor a whole number takes no part in a canary: it has the control.

        Args:
            doer: The agent that is about to run.
            unit_id: What is randomised: a user, a project; the same as the run is logged with.
            phase: Phase of the work.
            policy_id: The policy, where a doer has several for one phase; the first of them if not given.
        """
        try:
            held = self._look(doer)
            policy = held.of(phase, policy_id)
            if policy.salt is None:
                found = policy.arms[0]
            elif unit_id.__class__ is str or _is_whole(unit_id):
                found = policy.arms[arm_of(policy.salt, unit_id, policy.shares)]
            else:
                found = policy.arms[0]._replace(
                    deployment_id=None, detail="the unit is neither text nor a whole number"
                )
            if held.trouble:
                return found._replace(reason=STALE, detail=held.trouble)
            if time.time() > held.valid_until:
                return found._replace(reason=STALE, detail="the night has not published for longer than it promised")
        except UnusableError as error:
            return self._none(error.reason, error.detail)
        except Exception as error:  # noqa: BLE001 - a service must go on, whatever lies in the folder
            return self._none(CORRUPT, describe_error(error))
        else:
            return found

    def forget(self) -> None:
        """Forget the last good policies."""
        self._held.clear()

    def _none(self, reason: str, detail: str) -> Route:
        return Route(None, None, None, 0, self._default, reason, detail)

    def _look(self, doer: str) -> KnownFile:
        """Return what is held of a doer, read anew where the file is another."""
        held = self._held.get(doer) if doer.__class__ is str else None
        if held is not None:
            try:
                mark = mark_of(held.path)
            except OSError:
                pass
            else:
                if mark == held.mark and (not held.trouble or time.monotonic() < held.again_at):
                    return held
        return self._read(doer, held)

    def _read(self, doer: str, held: KnownFile | None) -> KnownFile:
        if not isinstance(doer, str):
            raise UnusableError(UNUSABLE, "the doer is a text")
        if held is not None and held.trouble and time.monotonic() < held.again_at:
            return held
        try:
            found = self._file(doer)
        except Exception as error:
            if isinstance(error, UnusableError) and error.reason == TENANT_NEEDED:
                # What served a lake with one tenant is nobody's now.
                self._held.pop(doer, None)
                raise
            if held is None:
                raise
            found = _keep(held, describe_kept(error))
        else:
            if held is not None and found.generated_at < held.generated_at:
                found = _keep(held, OLDER)
        self._held[doer] = found
        forget_oldest(self._held, REMEMBERED)
        return found

    def _file(self, doer: str) -> KnownFile:
        """Return the file of a doer, of the tenant that is served."""
        for folder in folders_of(self._published, self._tenant):
            try:
                return read(f"{folder}/{FOLDER}/{file_name(doer)}", doer, self._tenant, self._public_key)
            except UnusableError as error:
                if error.reason != MISSING:
                    raise
                missing = error
        check_alone(self._published, self._tenant, self._public_key)
        raise missing


def route(
    doer: str,
    unit_id: str | int | None = None,
    published: str | os.PathLike[str] = "lake/published",
    phase: str | None = None,
    *,
    public_key: str | bytes | os.PathLike[str] | None = None,
    policy_id: str | None = None,
    tenant: str | None = None,
) -> Route:
    """Return the policy that serves a unit, from a router that this process keeps for the folder; see `Router.route`.

    Args:
        doer: The agent that is about to run.
        unit_id: What is randomised: a user, a project; the same as the run is logged with.
        published: The `published` folder of a lake.
        phase: Phase of the work.
        public_key: As for `Router`.
        policy_id: The policy, where a doer has several for one phase.
        tenant: As for `Router`.
    """
    try:
        router = _ROUTERS.get((published, public_key, tenant))
        if router is None:
            router = _ROUTERS[published, public_key, tenant] = Router(published, public_key, tenant=tenant)
            forget_oldest(_ROUTERS, REMEMBERED)
    except Exception as error:  # noqa: BLE001 - as in the method
        return Route(None, None, None, 0, Frozen(), UNUSABLE, describe_error(error))
    return router.route(doer, unit_id, phase, policy_id)


_ROUTERS: dict[Any, Router] = {}


def _keep(held: KnownFile, trouble: str) -> KnownFile:
    """Return what is held, with what is wrong with the file that lies there now."""
    return held._replace(trouble=trouble, again_at=time.monotonic() + AGAIN_SECONDS)


def _is_whole(value: Any) -> bool:
    """Return a whole number, also one of numpy; a truth value is none."""
    return hasattr(value, "__index__") and not isinstance(value, (bool, type))
