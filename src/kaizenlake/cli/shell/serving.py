"""What commands do after a decision: publish who serves from now on, so that routers need not wait for the night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaizenlake.cli.shell.output import note
from kaizenlake.errors import KaizenError

if TYPE_CHECKING:
    from kaizenlake.lake.store import Lake


def serve(lake: Lake) -> None:
    """Publish the policies of doers as they were decided; the decision stands also where that fails."""
    from kaizenlake.night.deciding import publish_as_decided

    try:
        done = publish_as_decided(lake)
    except KaizenError as error:
        note(f"It is decided, but routers do not know of it before the next night: [{error.code}] {error}")
        return
    for words in (*done.unverified, *done.left_out):
        note(words)
