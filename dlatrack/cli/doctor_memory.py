"""The memory that recipes need, for `dlatrack doctor --memory`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlatrack.cli.doctor_packages import Finding
from dlatrack.memory import amount_of, usable_memory
from dlatrack.models.memory import tracking_bytes, training_need
from dlatrack.recipes import RECIPES, Recipe, recipe
from dlatrack.recipes.config import DLA_NAME


@dataclass(frozen=True)
class Need:
    """About how much memory a process on the CPU needs for a recipe and its DLA twin."""

    recipe: str  #: recipe with the fixed rule
    batch: int  #: number of pairs of its batch
    training: float  #: need of a training that computes the whole batch at once, without data, GB
    pairs_that_fit: int  #: largest number of pairs, up to the batch, that fit here at once
    tracking: float  #: need of tracking one target, without frames, GB


def recipe_needs() -> list[Need]:
    """The needs of all recipes with a rule of their own, large ones first; takes some seconds."""
    needs = [_need(recipe(name)) for name in RECIPES if not name.startswith(DLA_NAME)]
    return sorted(needs, key=lambda need: -need.training)


def _need(chosen: Recipe) -> Need:
    fixed, each = training_need(chosen)
    batch, there = chosen.schedule.batch, usable_memory()
    fit = batch if there is None else max(0, min(batch, int((there - fixed) // each)))
    return Need(chosen.name, batch, (fixed + batch * each) / 1e9, fit, tracking_bytes(chosen) / 1e9)


def memory_finding(needs: Sequence[Need]) -> Finding:
    """How much memory there is, and which recipes need more for a whole batch, or for tracking."""
    there = usable_memory()
    if there is None:
        return Finding(
            "memory", "missing", "this system does not say how much there is", "compare it yourself"
        )
    trained = [need.recipe for need in needs if need.pairs_that_fit < need.batch]
    tracked = [need.recipe for need in needs if need.tracking * 1e9 > there]
    found = f"{amount_of(there)} for a process"
    advice = "; ".join(
        f"for {what} {', '.join(names)} {remedy}"
        for what, names, remedy in (
            ("training", trained, "in whole batches on the CPU (--accumulate N computes N parts in turn)"),
            ("tracking with", tracked, "(a smaller one, e.g. dla_nanotrack_v3, needs less)"),
        )
        if names
    )
    return Finding.optional("memory", not advice, found, f"too little {advice}")
