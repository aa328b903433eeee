"""The scores of trackers under one protocol or all, collected tracker by tracker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from dlatrack.cli.score_output import print_note, refused_row, score_row
from dlatrack.errors import InputError, listed
from dlatrack.evaluation.protocol_effects import Comparison, compare_protocols
from dlatrack.evaluation.scoring import Scored, compared_with, part_of, protocols_of, score_tracker
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth
from dlatrack.evaluation.vot.difference import Measured
from dlatrack.evaluation.vot.regions import VOTProtocol
from dlatrack.evaluation.vot.scores import measure_runs


@dataclass
class TrackerScores:
    """The scores of all trackers, as far as they are asked for.

    Args:
        truth: of the benchmark.
        protocol: the one that was asked for.
        absent: as `absent_rule` answers.
        compare: as in `dlatrack evaluate`.
        attributes: as in `dlatrack evaluate`.
        significance: as in `dlatrack evaluate`.
        allow_missing: as in `dlatrack evaluate`.
        scored: trackers under `protocol`.
        rows: to print, of all protocols.
        compared: by tracker, under every protocol, in one-pass evaluation.
        measured: by tracker, overlaps for the differences of EAO.
    """

    truth: BenchmarkTruth
    protocol: str
    absent: str | None
    compare: bool
    attributes: bool
    significance: bool
    allow_missing: bool
    scored: list[Scored] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    compared: dict[str, list[Comparison]] = field(default_factory=dict)
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
                self.rows.append(refused_row(tracker, truth.name, protocol, why))
                refusal = why if protocol == self.protocol else refusal
                continue
            missing = len(self.truth.sequences) - len(truth.sequences) + len(self.truth.missing)
            row = score_row(
                scored,
                truth,
                attributes=self.attributes,
                missing=missing if self.allow_missing or missing else None,
                absent=self.absent,
            )
            self.rows.append(row)
            if protocol == self.protocol:
                self.scored.append(scored)
        if refusal:
            raise InputError(refusal)
        if self.significance and BENCHMARKS[truth.name].resets:
            self.measured[tracker] = measure_runs(results, truth, cast(VOTProtocol, self.protocol))

    def _scores(
        self, tracker: str, results: dict[str, Any], truth: BenchmarkTruth
    ) -> list[tuple[str, Scored | None, str]]:
        """The protocols that are asked for, with the scores of each, or with why it refuses the results."""
        if not self.compare:
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
