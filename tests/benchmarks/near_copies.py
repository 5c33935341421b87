"""Near-duplicate texts found by the exact join, beside MinHash by datasketch and rensa: CPU seconds, memory, recall, precision.

    python tests/benchmarks/near_copies.py --count 50000

Each side runs in a process of its own. The texts have about 100 words. `plain` are drawn words with 5 % near copies; `hard` has
pairs whose similarity lies within .78 to .82, templates, and other spellings of Unicode; in `boilerplate` every fifth text holds
one of twenty paragraphs of 60 words. What is near is known from how the texts were made, and measured exactly.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

PERMUTATIONS, THRESHOLD = 128, 0.8


def draw(count: int, seed: int = 0) -> list[str]:
    """Draw texts of 100 words, as rare and as common as words of a language are."""
    random = np.random.default_rng(seed)
    words = np.array([f"w{place}abc"[: 4 + place % 6] + str(place) for place in range(30_000)])
    shares = 1 / np.arange(1, words.size + 1)
    places = random.choice(words.size, (count, 100), p=shares / shares.sum())
    return [" ".join(words[row]) for row in places]


def plain(count: int) -> list[str]:
    texts = draw(count)
    for place in range(0, count, 20):
        said = texts[place].split()
        said[place % 97] = "changed"
        texts[(place + 7) % count] = " ".join(said)
    return texts


def hard(count: int) -> list[str]:
    texts = draw(count)
    for place in range(0, count - 1, 10):
        said = texts[place].split()
        if place % 20:  # 2 to 4 words in 100: .78 to .90 of the shingles
            for word in range(2 + place % 3):
                said[10 + 25 * word] = f"new{place}"
            texts[place + 1] = " ".join(said)
        elif place % 40:
            texts[place + 1] = texts[place].upper().replace("W", "Ｗ")
        else:
            texts[place + 1] = " ".join([*texts[0].split()[:85], *said[:15]])
    return texts


def boilerplate(count: int) -> list[str]:
    paragraphs = [" ".join(text.split()[:60]) for text in draw(20, seed=1)]
    # A text and its near copy, which lies seven places on, hold the same one.
    return [
        f"{text} {paragraphs[(place - place % 20) // 20 % 20]}" if place % 20 in {0, 7, 3, 11} else text
        for place, text in enumerate(plain(count))
    ]


CASES = {"plain": plain, "hard": hard, "boilerplate": boilerplate}


def by_exact_join(texts: list[str]) -> list[int]:
    import polars as pl

    from kaizenlake.training.text_clusters import cluster_texts

    return cluster_texts(pl.Series(texts), THRESHOLD).tolist()


def shingles(text: str) -> list[str]:
    from kaizenlake.training.shingles import words

    said = words(text)
    return [" ".join(said[place : place + 3]) for place in range(max(len(said) - 2, 1))]


def join_by(found: list[list[int]]) -> list[int]:
    first = list(range(len(found)))

    def root(place: int) -> int:
        while first[place] != place:
            first[place] = first[first[place]]
            place = first[place]
        return place

    for place, others in enumerate(found):
        for other in others:
            one, two = sorted((root(place), root(other)))
            first[two] = one
    return [root(place) for place in range(len(found))]


def by_datasketch(texts: list[str]) -> list[int]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(THRESHOLD, PERMUTATIONS)
    found = []
    for place, text in enumerate(texts):
        sketch = MinHash(PERMUTATIONS)
        sketch.update_batch([part.encode() for part in shingles(text)])
        found.append([int(other) for other in index.query(sketch)])
        index.insert(str(place), sketch)
    return join_by(found)


def by_rensa(texts: list[str]) -> list[int]:
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(THRESHOLD, PERMUTATIONS, 8)
    sketches, found = [], []
    for place, text in enumerate(texts):
        sketch = RMinHash(PERMUTATIONS, 42)
        sketch.update(shingles(text))
        near = [other for other in index.query(sketch) if sketches[other].jaccard(sketch) >= THRESHOLD]
        found.append(near)
        index.insert(place, sketch)
        sketches.append(sketch)
    return join_by(found)


SIDES: dict[str, Callable[[list[str]], list[int]]] = {
    "kaizenlake": by_exact_join,
    "datasketch": by_datasketch,
    "rensa": by_rensa,
}


def run(side: str, case: str, count: int) -> None:
    """Run one side on one case, and print what it took and the clusters it found."""
    texts = CASES[case](count)
    SIDES[side](texts[:200])  # what is loaded once is not measured
    cpu, clock = time.process_time(), time.perf_counter()
    labels = SIDES[side](texts)
    took = {"cpu": time.process_time() - cpu, "seconds": time.perf_counter() - clock}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(took | {"megabytes": peak, "labels": labels}))


def pairs(labels: list[int]) -> set[tuple[int, int]]:
    return {(label, place) for place, label in enumerate(labels) if label != place}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=50_000)
    options.add_argument("--cases", nargs="*", default=[*CASES])
    options.add_argument("--run", nargs=2)
    given = options.parse_args()
    if given.run:
        run(*given.run, given.count)
        return
    print(f"{'case':12}{'side':12}{'CPU s':>8}{'texts/s':>10}{'MB':>7}{'recall':>8}{'precision':>10}")
    for case in given.cases:
        true: set[tuple[int, int]] = set()
        for side in SIDES:
            if side != "kaizenlake" and find_spec(side) is None:
                continue
            command = [sys.executable, __file__, "--run", side, case, "--count", str(given.count)]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            found = pairs(told["labels"])
            # The exact join is held to every pair by tests/training; here the others are held to it.
            true = true or found
            hits = len(found & true)
            recall, precision = hits / max(len(true), 1), hits / max(len(found), 1)
            print(
                f"{case:12}{side:12}{told['cpu']:8.2f}{given.count / told['cpu']:10,.0f}{told['megabytes']:7.0f}"
                f"{recall:8.3f}{precision:10.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
