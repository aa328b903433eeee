"""Pictures of training pairs."""

from __future__ import annotations

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.recipes import recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.viz.pairs import pair_sheet


def test_the_boxes_drawn_are_those_of_the_pairs():
    store, chosen = (
        CropStore.build(synthetic_sequences(1, seed=80, length=3, challenges=())),
        recipe("siamcar_small"),
    )
    figure = pair_sheet(store, chosen, seed=2, count=3)
    source = PairSource(store, chosen.sampling, chosen.net, 2)
    for index, ax in enumerate(figure.axes[3:]):
        (box,) = ax.patches
        x1, y1, x2, y2 = source.pair(0, index).target_xyxy
        assert (box.get_x(), box.get_y(), box.get_width(), box.get_height()) == (x1, y1, x2 - x1, y2 - y1)
