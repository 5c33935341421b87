"""The readers of what is published, for the services that generate: standard library only, and they never raise.

```python
from kaizenlake.context import load, load_scorer, load_skill, route

loaded = load("lake/published", project="campaign_456")
tones = loaded.context["recommended_tones"]

routed = route("planner", "user_7", "lake/published")
prompts = routed.document.get("prompts", {})

best = load_scorer("lake/published", project="campaign_456").rank(["Why we bake at night", "Our bread"]).order[0]

avoid = [mode["failure_mode"] for mode in load_skill("lake/published", "planner").skill["card"]["failure_modes"]]
```

Where a lake holds several tenants, each call names one: `tenant="acme"`, or `tenant=""` for the events without a tenant.
A call that names none has the default, with the reason `TENANT_NEEDED`.

What cannot be used is answered with the last good one of this process, else the default; the reason says which. With a
public key also the signature is checked. Texts in a context are data that came from outside, never instructions.
"""

from __future__ import annotations

from kaizenlake.context._arms import arm_of, point_of
from kaizenlake.context._files import (
    BAD_SIGNATURE,
    CORRUPT,
    DENIED,
    FRESH,
    HELD_OUT,
    MISSING,
    ROLLED_BACK,
    STALE,
    TENANT_NEEDED,
    UNUSABLE,
)
from kaizenlake.context._policies import Route, Shadow, file_name
from kaizenlake.context._reader import (
    Loaded,
    LoadedText,
    empty_evidence,
    forget,
    load,
    load_evidence,
    load_text,
)
from kaizenlake.context._router import Router, route
from kaizenlake.context._schema import empty
from kaizenlake.context._scorer import Ranking, Score, Scorer
from kaizenlake.context._scores import NO_MODEL, load_scorer
from kaizenlake.context._seen import remember_in
from kaizenlake.context._signers import SUCCESSION
from kaizenlake.context._skills import LoadedSkill, empty_skill, load_skill
from kaizenlake.context._tenants import TENANTS, tenant_folder
from kaizenlake.context.texts.allocation import allocate

__all__ = [
    "BAD_SIGNATURE",
    "CORRUPT",
    "DENIED",
    "FRESH",
    "HELD_OUT",
    "MISSING",
    "NO_MODEL",
    "ROLLED_BACK",
    "STALE",
    "SUCCESSION",
    "TENANTS",
    "TENANT_NEEDED",
    "UNUSABLE",
    "Loaded",
    "LoadedSkill",
    "LoadedText",
    "Ranking",
    "Route",
    "Router",
    "Score",
    "Scorer",
    "Shadow",
    "allocate",
    "arm_of",
    "empty",
    "empty_evidence",
    "empty_skill",
    "file_name",
    "forget",
    "load",
    "load_evidence",
    "load_scorer",
    "load_skill",
    "load_text",
    "point_of",
    "remember_in",
    "route",
    "tenant_folder",
]
