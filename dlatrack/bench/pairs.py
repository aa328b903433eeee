"""How long a training pair takes."""

from __future__ import annotations

import numpy as np

from dlatrack.bench.measure import BenchReport, machine, measure
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.recipes import recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore


def bench_pairs(repeats: int) -> BenchReport:
    """One training pair from two stored 511-pixel crops, against decoding the two JPEG files alone."""
    chosen = recipe("dla_siamcar")
    store = CropStore.build(synthetic_sequences(8, seed=0, length=10))
    source = PairSource(store, chosen.sampling, chosen.net, seed=0)
    draws = [
        source.draw_frames(True, np.random.Generator(np.random.Philox(key=[0, index])))
        for index in range(repeats)
    ]
    timings = measure(
        {
            "training pair": lambda turn: source.pair(0, turn),
            "two JPEG decodes": lambda turn: [store.image(crop) for crop in draws[turn]],
        },
        repeats,
    )
    figures = {
        "pair over two decodes": timings[0].median / timings[1].median,
        "mean size of a stored crop, KiB": store.data.nbytes / len(store) / 1024,
    }
    return BenchReport(timings, figures, machine())
