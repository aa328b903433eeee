"""Frames worth going to: where rules find most and fewest positives, differ most, or find none."""

from __future__ import annotations

import numpy as np

from dlatrack.viz.explorer.study import Positives

_RESCUED = 5  # of each rule, at most


def notable_frames(along: Positives | None, length: int) -> list[tuple[str, int]]:
    """Label and number of notable frames of a sequence.

    Args:
        along: of two rules, whose titles begin with "A" and "B"; None: no frame shows the target.
        length: frames of the sequence.
    """
    if along is None:
        return []
    frames, counts = along.counts.index.to_numpy(), along.counts.to_numpy()
    found = []
    for column, side in enumerate("AB"):
        own = counts[:, column]
        for word, row in (("most", own.argmax()), ("fewest", own.argmin())):
            found.append((f"{side}, {word} positives: frame {frames[row]} ({own[row]})", int(frames[row])))
        rescued = frames[along.rescued.to_numpy()[:, column]]
        found += [(f"{side}, no sample satisfies: frame {frame}", int(frame)) for frame in rescued[:_RESCUED]]
    widest = int(np.abs(counts[:, 0] - counts[:, 1]).argmax())
    text = f"largest difference: frame {frames[widest]} ({counts[widest, 0]} and {counts[widest, 1]})"
    found.append((text, int(frames[widest])))
    absent = np.setdiff1d(np.arange(length), frames)
    if len(absent):
        found.append((f"no target: frame {absent[0]} ({len(absent)} such frames)", int(absent[0])))
    return found
