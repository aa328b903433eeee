"""Pictures of training pairs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlatrack.recipes import Recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.viz.style import DOUBLE_WIDTH, TARGET, figure_style, new_figure, outlined


def pair_sheet(store: CropStore, recipe: Recipe, *, seed: int = 0, count: int = 5) -> Figure:
    """Draw the first pairs of a run: templates above, search regions with the target below.

    Args:
        store: training crops.
        recipe: whose augmentation is drawn.
        seed: of the run.
        count: pairs.

    Returns:
        A figure of double column width.
    """
    source = PairSource(store, recipe.sampling, recipe.net, seed)
    with figure_style():
        fig = new_figure(height_mm=1.62 * DOUBLE_WIDTH / count)
        axes = fig.subplots(2, count, height_ratios=[127, 255], squeeze=False)
        for index, (above, below) in enumerate(axes.T):
            pair = source.pair(0, index)
            for ax, image in ((above, pair.template), (below, pair.search)):
                ax.imshow(image.transpose(1, 2, 0).clip(0, 255).astype(np.uint8))
                ax.set_axis_off()
            x1, y1, x2, y2 = pair.target_xyxy
            box = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=TARGET, linewidth=1.4)
            box.set_path_effects(outlined(1.4))
            below.add_patch(box)
            above.set_title(f"pair {index}")
    return fig
