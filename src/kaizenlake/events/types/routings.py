"""Routing events: to which version of a policy a unit was sent, before it runs."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Key, Payload, says


class RunRouted(Payload, frozen=True, kw_only=True):
    """A unit was routed to a version of a policy; a run of it is to come."""

    unit_id: Annotated[Key, says("What was routed: a user, a project.")]
    policy_version: Annotated[Key | None, says("Version of the policy that it was routed to.")] = None
    deployment_id: Annotated[Key | None, says("Shadow or canary that it is in, as the router told.")] = None
    policy_id: Annotated[Key | None, says("Policy it was routed by.")] = None
    doer: Annotated[Key | None, says("Agent that is to run.")] = None
