"""CPU time of a site of 1,000 experiments: written whole, and once more where nothing changed; and its largest page."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from harness import Row

from kaizenlake import tables
from kaizenlake.jobs import JOBS
from kaizenlake.report.site.site_scope import SiteScope
from kaizenlake.report.site.write_site import WrittenSite, write_site
from kaizenlake.tables import TABLES, ContentExperiments, Contents

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
ARMS = 5


def draw(experiments: int) -> dict[type[tables.Table], pl.DataFrame]:
    """Return frames of that many experiments of five wordings each, and the posts behind them."""
    arms = [
        {
            "project_id": f"project-{number % 20}",
            "experiment_id": f"experiment-{number:05}",
            "platform": "web",
            "arm": str(arm),
            "content_id": f"{number}-{arm}",
            "text": f"A headline of experiment {number} that says in fourteen words what its arm {arm} would say",
            "contents": 1,
            "arms": ARMS,
            "metric": "click_rate",
            "shown": 3000 + arm,
            "clicks": 40 + arm * 3,
            "rate": (40 + arm * 3) / (3000 + arm),
            "rate_of_others": 0.015,
            "lift": 0.1 * arm - 0.2,
            "shrunk_lift": 0.05 * arm - 0.1,
            "lift_ci_low": 0.05 * arm - 0.3,
            "lift_ci_high": 0.05 * arm + 0.1,
            "q_value": 0.5,
            "verdict": "unclear",
            "measured_at": AS_OF,
            "performed_on": AS_OF.date(),
            "impressions": 3000,
            "click_rate": 0.015,
            "hook_type": ("question", "list", "story")[number % 3],
        }
        for number in range(experiments)
        for arm in range(ARMS)
    ]
    return {
        table: pl.DataFrame(
            [{name: row.get(name) for name in tables.schema(table)} for row in arms], tables.schema(table)
        )
        for table in (ContentExperiments, Contents)
    }


def measure(scale: float, repeats: int) -> list[Row]:
    """Write a site twice."""
    experiments = max(10, int(1_000 * scale))
    held = draw(experiments)
    scope = SiteScope(
        lambda table: held[table].lazy() if table in held else tables.empty(table),
        AS_OF,
        TABLES,
        JOBS,
        most=experiments,
    )
    with tempfile.TemporaryDirectory() as folder:
        first, seconds = _time(scope, Path(folder))
        again = min(_time(scope, Path(folder))[1] for _ in range(repeats))
        largest = max(path.stat().st_size for path in Path(folder).rglob("*.html"))
    each = f"{seconds:.1f} s, {seconds / first.pages * 1000:.1f} s for 1,000"
    return [
        Row(f"site: {first.pages:,} pages, CPU", each, "", "", "< 10 s for 1,000", ""),
        Row("site: the same once more, none written, CPU", f"{again:.1f} s", "", "", "", ""),
        Row("site: largest page", f"{largest / 1000:.0f} kB", "", "", "< 150 kB", ""),
    ]


def _time(scope: SiteScope, folder: Path) -> tuple[WrittenSite, float]:
    started = time.process_time()
    written = write_site(scope, folder)
    return written, time.process_time() - started
