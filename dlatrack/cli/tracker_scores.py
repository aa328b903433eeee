"""The scores of trackers under one protocol or all, collected tracker by tracker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from dlatrack.cli.score_output import absent_count, print_note
from dlatrack.errors import InputError, listed
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.protocol_effects import Comparison, compare_protocols
from dlatrack.evaluation.scoring import Scored, compared_with, part_of, protocols_of, score_tracker
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth
from dlatrack.evaluation.vot.difference import Measured
from dlatrack.evaluation.vot.overlaps import VOTProtocol
from dlatrack.evaluation.vot.scores import VOTResult, measure_runs


@dataclass
class TrackerScores:
    """The scores of all trackers, as far as they are asked for."""

    truth: BenchmarkTruth
    protocol: str
    absent: str | None  #: way to count frames without the target, of `absent_rule`
    compare: bool = False  #: whether every protocol is applied
    attributes: bool = False  #: whether rows have the scores of each attribute or tag
    significance: bool = False  #: whether the overlaps for the differences of EAO are kept
    allow_missing: bool = (
        False  #: whether trackers may lack sequences; every row then has their number, even 0
    )
    scored: list[Scored] = field(default_factory=list)  #: trackers under `protocol`
    #: Names and scores of all trackers under all protocols, as they are printed; None for an undefined score.
    rows: list[dict[str, Any]] = field(default_factory=list)
    #: Scores by tracker under every protocol, in one-pass evaluation.
    compared: dict[str, list[Comparison]] = field(default_factory=dict)
    #: Overlaps by tracker, for the differences of EAO.
    measured: dict[str, Measured] = field(default_factory=dict)

    def add(self, tracker: str, results: dict[str, Any]) -> None:
        """Score a tracker on the sequences that it has results for.

        Raises:
            InputError: if the protocol that was asked for refuses the results; what others say is kept.
        """
        truth = part_of(self.truth, results)
        if self.allow_missing:
            self._tell_of_missing(tracker, truth)
        refusal = ""
        for protocol, scored, why in self._scores(tracker, results, truth):
            if scored is None:
                names = {"tracker": tracker, "benchmark": truth.name, "protocol": protocol}
                self.rows.append(names | {"refused": why})
                refusal = why if protocol == self.protocol else refusal
                continue
            self.rows.append(self._row(scored, truth))
            if protocol == self.protocol:
                self.scored.append(scored)
        if refusal:
            raise InputError(refusal)
        if self.significance and BENCHMARKS[truth.name].resets:
            self.measured[tracker] = measure_runs(results, truth, cast(VOTProtocol, self.protocol))

    def add_differences(self, differences: Mapping[str, list[dict[str, Any]]]) -> None:
        """Add the differences of `significance.as_numbers` to the rows of `protocol`."""
        for row in self.rows:
            if row["protocol"] == self.protocol and row["tracker"] in differences:
                row["differences"] = differences[row["tracker"]]

    def _row(self, scored: Scored, truth: BenchmarkTruth) -> dict[str, Any]:
        """Names and scores of one tracker, with what marks them; `truth` has the sequences it was scored on."""
        row, result = scored.as_dict(), scored.result
        missing = len(self.truth.sequences) - len(truth.sequences) + len(self.truth.missing)
        if self.allow_missing or missing:
            row |= {"sequences": len(truth.sequences), "missing": missing}
        if self.absent is not None and (count := absent_count(truth)):
            row |= {"absent": self.absent, "absent_frames": count}
        if self.attributes and isinstance(result, OPEResult):
            row |= {f"auc {name}": result.subset(truth.with_attribute(name)).auc for name in truth.attributes}
        elif self.attributes and isinstance(result, VOTResult):
            row |= {f"eao {tag}": value for tag, value in result.eao_by_tag.items()}
        compared = self.compared.get(scored.tracker, [])
        if compared and compared[0].result is not None:
            effects = {comparison.protocol: comparison.effects for comparison in compared}
            row["effects"] = [_without_nan(vars(effect)) for effect in effects[result.protocol]]
        return _without_nan(row)

    def _scores(
        self, tracker: str, results: dict[str, Any], truth: BenchmarkTruth
    ) -> list[tuple[str, Scored | None, str]]:
        """The protocols that are asked for, with the scores of each, or with why it refuses the results."""
        if not self.compare or len(protocols_of(truth.name)) == 1:
            return [
                (self.protocol, score_tracker(tracker, results, truth, self.protocol, absent=self.absent), "")
            ]
        if BENCHMARKS[truth.name].resets:
            found: list[tuple[str, Scored | None, str]] = []
            others = (each for each in protocols_of(truth.name) if each != self.protocol)
            for protocol in (self.protocol, *others):
                try:
                    found.append((protocol, score_tracker(tracker, results, truth, protocol), ""))
                except InputError as error:
                    found.append((protocol, None, str(error)))
            return found
        boxes, present = compared_with(truth)
        compared = compare_protocols(
            results, boxes, present, benchmark=truth.name, base=self.protocol, absent=self.absent
        )
        self.compared[tracker] = compared
        return [
            (c.protocol, Scored(tracker, truth.name, c.result) if c.result else None, c.refusal)
            for c in compared
        ]

    def _tell_of_missing(self, tracker: str, truth: BenchmarkTruth) -> None:
        missing = [name for name in self.truth.sequences if name not in truth.sequences]
        if missing:
            total = len(self.truth.sequences)
            print_note(
                f"{tracker}: scored on {len(truth.sequences)} of {total} sequences; it has no results for "
                f"{listed(missing)}"
            )


def _without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with None for each that is NaN, as JSON has no NaN."""
    return {key: None if isinstance(v, float) and math.isnan(v) else v for key, v in values.items()}
