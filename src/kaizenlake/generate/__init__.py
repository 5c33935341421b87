"""Generate what was asked for, or approved: generators that use what the lake knows.

```python
from kaizenlake.context import load
from kaizenlake.generate import generate_creatives_sync, generate_strategy_sync

brief = {"brief_id": "b-17", "project_id": "campaign_456", "brand_id": "acme", "objective": "more visits"}
context = load("lake/published", project="campaign_456", unit=brief["brief_id"])
strategy = generate_strategy_sync(brief, context)
creatives = generate_creatives_sync(brief, context, strategy=strategy)
```

`generate_strategy` and `generate_creatives` are the same as coroutines.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaizenlake.generate.content.creatives import generate_creatives, generate_creatives_sync
    from kaizenlake.generate.content.strategies import generate_strategy, generate_strategy_sync

__all__ = ["generate_creatives", "generate_creatives_sync", "generate_strategy", "generate_strategy_sync"]

_HOMES = {
    "generate_creatives": "kaizenlake.generate.content.creatives",
    "generate_creatives_sync": "kaizenlake.generate.content.creatives",
    "generate_strategy": "kaizenlake.generate.content.strategies",
    "generate_strategy_sync": "kaizenlake.generate.content.strategies",
}


def __getattr__(name: str) -> object:
    """Fetch a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
