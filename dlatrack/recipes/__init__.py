"""Every tracker as one frozen dataclass: network, label assigner, loss, augmentation, schedule, online tracking.

A DLA recipe is its fixed twin with another assigner and nothing else. Vary a recipe with `dataclasses.replace`.
"""

from dlatrack.recipes.config import (
    AssignConfig,
    AugmentConfig,
    ClassificationForm,
    InputFormat,
    LossConfig,
    NetConfig,
    OnlineConfig,
    Recipe,
    SamplingConfig,
    Schedule,
)
from dlatrack.recipes.trackers import RECIPES, recipe
from dlatrack.recipes.twins import Twins

__all__ = [
    "RECIPES",
    "AssignConfig",
    "AugmentConfig",
    "ClassificationForm",
    "InputFormat",
    "LossConfig",
    "NetConfig",
    "OnlineConfig",
    "Recipe",
    "SamplingConfig",
    "Schedule",
    "Twins",
    "recipe",
]
