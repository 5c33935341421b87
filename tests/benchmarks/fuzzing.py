"""The whole fuzz: broken lines and files landed, none of which may end a landing or be lost.

`python tests/benchmarks/fuzzing.py [LINES] [FILES]`; 300,000 lines and 3,000 files unless given. The rounds are those of
`tests/fuzz`, of which the tests do a minute, and are the same each time.
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.rounds import Told, round_of

LINES, FILES, ROUNDS = 300_000, 3_000, 30


def main() -> int:
    """Run all rounds, say what became of the inputs, and which rounds failed."""
    given = [int(word) for word in sys.argv[1:3]]
    lines, files = (given + [LINES, FILES][len(given) :])[:2]
    told, failed = Told(), []
    began = time.process_time()
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
        try:
            round_of(number, line_count=lines // ROUNDS, file_count=files // ROUNDS, told=told)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - a panic of the engine is no exception, and just what is looked for
            failed.append(number)
            traceback.print_exc()
    print(
        f"{told.lines:,} lines and {told.files:,} files: {told.lines_in:,} in = {told.landed:,} landed + "
        f"{told.duplicate:,} duplicate + {told.quarantined:,} quarantined; {told.left:,} files left alone; "
        f"{len(failed)} of {ROUNDS} rounds failed; {time.process_time() - began:,.0f} s CPU"
    )
    for rule, count in sorted(told.rules.items(), key=lambda item: -item[1]):
        print(f"  {rule}: {count:,}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
