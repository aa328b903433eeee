"""What Python answers to the laboratory in a notebook: pictures, boxes by hand, labels of its own rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign import (
    Assignment,
    LabelAssigner,
    Prediction,
    build_assigner,
    looks_at_predictions,
    options_of,
)
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.viz.laboratory.contents import Contents
from dlatrack.viz.laboratory.networks import Networks

#: A JSON answer and the bytes that go with it.
Reply = tuple[dict[str, Any], list[bytes]]


class Questions:
    """Answers to the questions of the page.

    Args:
        contents: the open sequence.
        networks: networks for the rules with predictions.
    """

    def __init__(self, contents: Contents, networks: Networks) -> None:
        self.contents, self.networks = contents, networks

    def reply(self, question: Mapping[str, Any]) -> Reply:
        """The answer to one question; what cannot be answered becomes a message of one line."""
        try:
            kind = question["kind"]
            if kind == "region":
                return {}, [self.contents.picture(int(question["frame"]))]
            if kind == "assign":
                return self._labels(question)
            if kind == "along":
                return self._along(question), []
            if kind == "box":
                return self._box(int(question["frame"]), question), []
            raise InputError(f"there is no question {kind!r}; choose from region, assign, along, box")
        except (ValueError, OSError) as error:
            return {"error": str(error).partition("\n")[0]}, []

    def _box(self, frame: int, question: Mapping[str, Any]) -> dict[str, Any]:
        """Take a box given by hand: drawn on the whole frame ("target"), in frame px ("xywh"), or taken away."""
        box: Any = question.get("xywh")
        if "target" in question:
            box = self.contents.drawn_box(frame, question["target"])
        target, box = self.contents.give_box(frame, box)
        return {"target": target, "box": box}

    def _along(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Positives of a rule in the search regions of some frames, and which of these have none by the rule."""
        rows = []
        for frame in question["frames"]:
            target = self.contents.targets[int(frame)]
            if target is None:
                raise InputError(f"frame {frame} shows no target")
            found, *_ = self._assigned({**question, "frame": frame, "target": target, "positive_pair": True})
            rows.append((int(found.positive.sum()), bool(found.empty[0]), bool(found.rescued[0])))
        return dict(zip(("counts", "empty", "rescued"), map(list, zip(*rows, strict=True)), strict=True))

    def _assigned(
        self, question: Mapping[str, Any]
    ) -> tuple[Assignment, LabelAssigner, Prediction | None, Tensor]:
        """The assignment of one target by a rule, the rule, what the network answered if it looks, and the target."""
        name, given = question["rule"], dict(question["options"])
        grid = ScoreGrid(*(question["grid"][each] for each in ("size", "stride", "offset")))
        prediction: Prediction | None = None
        if looks_at_predictions(name):
            answer = self.networks.answer(question["tracker"], int(question["frame"]))
            prediction, grid = answer.prediction, answer.grid
            given["anchor_shapes"] = answer.anchor_shapes
        known = {option.name: option for option in options_of(name)}
        options = {each: _read(known[each], value) for each, value in given.items() if each in known}
        rule = build_assigner(name, grid, **options)
        target = torch.tensor([question["target"]], dtype=torch.float64)
        keys, pair = torch.tensor([int(question["seed"])]), torch.tensor([bool(question["positive_pair"])])
        return rule.assign(target, pair, keys, prediction), rule, prediction, target

    def _labels(self, question: Mapping[str, Any]) -> Reply:
        """Labels of one target by a rule, with what the network answered for a rule that looks at it."""
        found, rule, prediction, target = self._assigned(question)
        grid = rule.grid
        arrays = {"labels": found.labels[0].to(torch.int8)}
        for each in ("quality", "weight"):
            if (value := getattr(found, each)) is not None:
                arrays[each] = value[0].double()
        if found.candidates is not None:
            arrays["candidates"] = found.candidates[0].to(torch.int32)
        plain: dict[str, Any] = {
            "grid": {"size": grid.size, "stride": grid.stride, "offset": grid.offset},
            "shapes": [list(shape) for shape in rule.anchor_shapes],
            "empty": bool(found.empty[0]),
            "rescued": bool(found.rescued[0]),
            "threshold": threshold if math.isfinite(threshold := float(found.threshold[0])) else None,
        }
        if prediction is not None:
            predicted = prediction.boxes_xyxy[0].double()
            arrays["probability"] = prediction.probability[0].double()
            arrays["predicted"] = boxes.iou(predicted, target)
            plain["best"] = predicted[int(prediction.probability[0].argmax())].tolist()
        plain["arrays"] = [(each, str(value.dtype).removeprefix("torch.")) for each, value in arrays.items()]
        return plain, [np.ascontiguousarray(value.numpy()).tobytes() for value in arrays.values()]


def _read(option: Any, value: Any) -> Any:
    """A value as JSON has it, as the assigner takes it."""
    if isinstance(option.default, tuple) and not isinstance(value, str):
        return tuple(tuple(shape) for shape in value)
    return option.read(value)
