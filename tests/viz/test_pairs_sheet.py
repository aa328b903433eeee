"""Pictures of training pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.recipes import recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.viz.pairs import augmented_pairs, pair_sheet


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


def test_a_sheet_of_many_pairs_shows_box_and_template_of_each():
    store, chosen = (
        CropStore.build(synthetic_sequences(2, seed=80, length=3, challenges=())),
        recipe("siamcar_small"),
    )
    source = PairSource(store, replace(chosen.sampling, negative_pairs=0.5), chosen.net, 2)
    figure = augmented_pairs(source, epoch=3, count=6, columns=4)
    assert len(figure.axes) == 8
    kinds = set()
    for index, ax in enumerate(figure.axes[:6]):
        pair = source.pair(3, index)
        (box,), (text,), (image,) = ax.patches, ax.texts, ax.images
        x1, y1, x2, y2 = pair.target_xyxy
        assert (box.get_x(), box.get_y(), box.get_width(), box.get_height()) == (x1, y1, x2 - x1, y2 - y1)
        assert text.get_text() == (f"{index}" if pair.positive else f"{index}\nnegative")
        sheet = image.get_array()
        assert sheet.shape == (255 + 4 + 127, 255, 3)
        assert np.array_equal(
            sheet[259:, :127], pair.template.transpose(1, 2, 0).clip(0, 255).astype(np.uint8)
        )
        kinds.add((pair.positive, box.get_linestyle() == "-"))
    assert kinds == {(True, True), (False, False)}
    assert not figure.axes[6].patches
