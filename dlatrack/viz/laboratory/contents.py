"""What the laboratory shows, as data for its JavaScript: targets, rules, grids, colours, and the first setting."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Indices
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from dlatrack.assign import ASSIGNERS, build_assigner, looks_at_predictions, options_of, summary_of
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.imagery import MARKS
from dlatrack.pixels import colours
from dlatrack.recipes import RECIPES
from dlatrack.viz.laboratory.region import REGION_SIZE, check_box, cut_region, place_region
from dlatrack.viz.laboratory.rules import option_descriptions, rule_descriptions, rule_title

#: The grid of a rule for which none is chosen, that of a 25 x 25 score map with stride 8.
USUAL_GRID = ScoreGrid()

#: A rule by name, with some of its options.
NamedRule = tuple[str, Mapping[str, Any]]

#: What is compared where nothing is chosen.
USUAL_RULES: tuple[NamedRule, NamedRule] = (("rectangle", {"center_ratio": 0.6}), ("dla_points", {}))

#: Largest seed that the field of the laboratory takes.
_MOST_SEED = 2**31 - 1

#: Colours by meaning; those of the rules A and B differ from all marks of samples, and so do their shapes.
COLOURS = {
    "target": colours.TARGET,
    "positive": colours.POSITIVE_COLOUR,
    "negative": colours.NEGATIVE_COLOUR,
    "ignored": colours.IGNORED_COLOUR,
    "candidate": colours.CANDIDATE,
    "dark": colours.DARK,
    "first": colours.PURPLE,
    "second": colours.ORANGE,
}


@dataclass(frozen=True, eq=False)
class Contents:
    """A sequence as the laboratory shows it.

    Args:
        sequence: a video.
        source: text that opens it in Python; None: there is none.
        shift: seed of the shift and the stretch of the search regions.

    Raises:
        InputError: for a seed that is no whole number in 0..2^31 - 1.
    """

    sequence: Sequence
    source: str | None = None
    shift: int = 0

    def __post_init__(self) -> None:
        check_lab_seed(self.shift)

    @cached_property
    def targets(self) -> list[list[float] | None]:
        """Of each frame the target xyxy in px of its search region; None where none is visible."""
        visible, boxes = self.sequence.visible, self.sequence.boxes_xywh
        return [
            place_region(boxes[frame], frame, seed=self.shift).target_xyxy.tolist() if shown else None
            for frame, shown in enumerate(visible)
        ]

    def give_box(self, frame: int, square_xyxy: Indices[float]) -> tuple[list[float], list[float]]:
        """Take a box that was drawn on a whole frame as its annotation.

        Args:
            frame: number of a frame.
            square_xyxy: (4,) px of the picture of the whole frame, as `picture` gives it.

        Returns:
            The target xyxy in px of the search region that is then cut around it, and the box xywh in frame px.

        Raises:
            InputError: for a box without an area or outside the frame.
        """
        height, width = self.sequence.frames[frame].shape[:2]
        scale = max(height, width) / REGION_SIZE
        margin = (REGION_SIZE - np.array([width, height]) / scale) / 2
        low, high = (np.asarray(square_xyxy, np.float64).reshape(2, 2) + 0.5 - margin) * scale - 0.5
        box = check_box(np.concatenate([low, high - low]), (width, height))
        self.sequence.boxes_xywh[frame], self.sequence.visible[frame] = box, True
        target = place_region(box, frame, seed=self.shift).target_xyxy.tolist()
        self.targets[frame] = target
        return target, box.tolist()

    def picture(self, frame: int, quality: int = 80) -> bytes:
        """The search region of a frame as WebP; of a frame without a target, the whole frame in its middle."""
        image = self.sequence.frames[frame]
        if self.sequence.visible[frame]:
            place = place_region(self.sequence.boxes_xywh[frame], frame, seed=self.shift)
            return encode_webp(cut_region(image, place), quality)
        return encode_webp(_fitted(image), quality)

    def data(self, frames: Indices[int] | None = None) -> dict[str, Any]:
        """All but pictures and setting.

        Args:
            frames: numbers of the frames that are shown; None: all.
        """
        shown = range(len(self.sequence)) if frames is None else frames
        return {
            "sequence": self.sequence.name,
            "imagery": MARKS[self.sequence.imagery],
            "frames": len(shown),
            "numbers": None if frames is None else list(frames),
            "targets": [self.targets[frame] for frame in shown],
            "colours": COLOURS,
            "source": self.source,
            "shift": int(self.shift),
        }


def check_lab_seed(seed: object) -> None:
    """Check a seed of the draw or of the search regions.

    Raises:
        InputError: if it is no whole number in 0..2^31 - 1.
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed <= _MOST_SEED:
        raise InputError(f"a seed of the laboratory is a whole number in 0..{_MOST_SEED}, got {seed!r}")


def described_rules(*, kernel: bool) -> list[dict[str, Any]]:
    """Every rule for the menus, those that run in the browser first.

    Args:
        kernel: whether Python is there to answer for the others.
    """
    found = [_with_text(each) for each in rule_descriptions()]
    if not kernel:
        return found
    known = {each["rule"] for each in found}
    for name in ASSIGNERS:
        if name in known or name == "dla":  # "dla" is the one of points, unless its anchors are given
            continue
        try:
            shapes = build_assigner(name, USUAL_GRID).anchor_shapes
        except InputError:
            continue  # one of the reader's own that has no defaults
        found.append(
            {
                "id": name,
                "title": rule_title(name, shapes),
                "rule": name,
                "text": summary_of(name),
                "kernel": True,
                "predicts": looks_at_predictions(name),
                "shapes": [list(shape) for shape in shapes],
                "fixed": {},
                "options": _with_chief(option_descriptions(name, shapes, USUAL_GRID)),
            }
        )
    return found


def _with_chief(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The options, of which the first number stands below the picture."""
    chief = next((each for each in options if each["kind"] in ("int", "float")), None)
    return [{**each, "more": each is not chief} for each in options]


def _with_text(description: dict[str, Any]) -> dict[str, Any]:
    """A description with the summary of its class, and the options that a call in Python has to set."""
    own = {option.name: option.default for option in options_of(description["rule"])}
    shapes = description["shapes"]
    differ = "anchor_shapes" in own and [list(shape) for shape in own["anchor_shapes"]] != shapes
    fixed = {"anchor_shapes": shapes} if differ else {}
    return {**description, "text": summary_of(description["rule"]), "fixed": fixed}


def described_grids(chosen: Indices[ScoreGrid]) -> list[dict[str, Any]]:
    """The score grids of all trackers with the laboratory's search region, and those that are chosen."""
    titles: dict[ScoreGrid, str] = {}
    for recipe in RECIPES.values():
        if recipe.net.search_size == REGION_SIZE:
            titles.setdefault(recipe.grid, recipe.title)
    for grid in chosen:
        titles.setdefault(grid, "")
    return [
        {"title": _grid_title(grid, title), "size": grid.size, "stride": grid.stride, "offset": grid.offset}
        for grid, title in titles.items()
    ]


def _grid_title(grid: ScoreGrid, tracker: str) -> str:
    shifted = grid == replace(USUAL_GRID, offset=grid.offset) != USUAL_GRID
    offset = f", offset {grid.offset:g}" if shifted else ""
    return f"{grid.size} × {grid.size}, stride {grid.stride:g}{offset}" + (f" ({tracker})" if tracker else "")


def first_setting(
    rules: tuple[NamedRule, NamedRule],
    grids: tuple[ScoreGrid, ScoreGrid],
    described: Mapping[str, Any],
    *,
    frame: int = 0,
    seed: int = 0,
    target_xyxy: Indices[float] | None = None,
    positive_pair: bool = True,
) -> dict[str, Any]:
    """The setting with which the laboratory opens.

    Args:
        rules: name and options of both rules.
        grids: their score grids.
        described: "rules" and "grids" of the menus.
        frame: position of the frame among those that are shown.
        seed: key of the draw of negatives.
        target_xyxy: (4,) region px, in place of the annotation.
        positive_pair: whether the search region shows the object of the template.

    Raises:
        InputError: for a rule or an option that is not known, or a value that is not allowed.
    """
    sides = []
    for (name, options), grid in zip(rules, grids, strict=True):
        build_assigner(name, grid, **options)
        place = next(
            number
            for number, each in enumerate(described["grids"])
            if (each["size"], each["stride"], each["offset"]) == (grid.size, grid.stride, grid.offset)
        )
        identity, own = _identified(name, dict(options), described["rules"])
        sides.append({"id": identity, "options": own, "grid": place})
    return {
        "frame": frame,
        "sides": sides,
        "seed": int(seed),
        "positivePair": positive_pair,
        "target": None if target_xyxy is None else [float(value) for value in target_xyxy],
    }


def _identified(
    name: str, options: dict[str, Any], rules: Indices[Mapping[str, Any]]
) -> tuple[str, dict[str, Any]]:
    """The entry of the menu that is a rule, and the options in which the rule differs from that entry."""
    shapes = options.get("anchor_shapes")
    if name == "dla":
        name = "dla_points" if shapes is None or len(shapes) == 1 else "dla_anchors"
    fitting = [each for each in rules if each["rule"] == name]
    if not fitting:
        raise InputError(
            f"label assigner {name} needs Python behind the laboratory; "
            f"a page has {', '.join(dict.fromkeys(each['rule'] for each in rules))}"
        )
    wanted = None if shapes is None else [list(shape) for shape in shapes]
    entry = next((each for each in fitting if each["shapes"] == wanted), fitting[0])
    if wanted == entry["shapes"]:
        options.pop("anchor_shapes")
    return entry["id"], options


def encode_webp(image_rgb: np.ndarray, quality: int) -> bytes:
    """A picture (H, W, 3) uint8 as WebP; the same picture gives the same bytes."""
    written = BytesIO()
    Image.fromarray(image_rgb).save(written, format="WEBP", quality=quality, method=4)
    return written.getvalue()


def _fitted(image_rgb: np.ndarray) -> np.ndarray:
    """A whole frame, as large as it fits, in the middle of a square as large as a search region."""
    scale = REGION_SIZE / max(image_rgb.shape[:2])
    picture = Image.fromarray(image_rgb)
    picture = picture.resize((max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)))
    square = Image.new("RGB", (REGION_SIZE, REGION_SIZE), (48, 48, 48))
    square.paste(picture, ((REGION_SIZE - picture.width) // 2, (REGION_SIZE - picture.height) // 2))
    return np.asarray(square)
