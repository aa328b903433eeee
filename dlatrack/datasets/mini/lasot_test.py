"""Miniature of LaSOT's test set: five sequences of the benchmark and one of the training set beside them."""

from __future__ import annotations

from pathlib import Path

from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.lasot import save_sequence
from dlatrack.datasets.mini.videos import mini_video, save_text

_LENGTH = 12

#: The three frames of the real test set that are flagged present with a box that has no area, in earlier rows.
_INVALID = {
    "tiger-6": {8: (613, 731, 247, -11)},
    "lion-5": {5: (1, 1, -1, -1)},
    "microphone-6": {11: (1, 1, 0, 0)},
}


def write(root: Path, seed: int, longer: int = 1) -> Declaration:
    """Write the files below `root`, videos `longer` times as long.

    The target of airplane-1 leaves the view and that of cat-1 is hidden; tiger-6, lion-5 and microphone-6 have a box
    without an area while the target is flagged present; airplane-2 belongs to the training set; the list has no final
    line end.
    """
    length = _LENGTH * longer
    challenges = {"airplane-1": ("OV",), "cat-1": ("OCC",), **dict.fromkeys(_INVALID, ())}
    entries: list[dict[str, str | int]] = []
    for name, challenge in challenges.items():
        video = mini_video(f"lasot_test/{name}", seed, length * (1 + len(challenge)), challenges=challenge)
        invalid = _INVALID.get(name, {})
        flag = "full_occlusion" if "OCC" in challenge else "out_of_view"
        save_sequence(root, name, video, flag=flag, invalid=invalid)
        target = name.rpartition("-")[0]
        entries.append(
            {
                "name": name,
                "folder": f"{target}/{name}",
                "annotation": "groundtruth.txt",
                "images": "img/%08d.jpg",
                "first": 1,
                "last": len(video),
                "object_class": target,
                "attributes": {"OV": "OV SV", "OCC": "FOC DEF"}.get("".join(challenge), "SV"),
                "absent": int((~video.visible).sum()),
                "invalid_rows": " ".join(str(row) for row in invalid),
            }
        )
    save_sequence(root, "airplane-2", mini_video("lasot_test/airplane-2", seed, length))
    save_text(root / "testing_set.txt", "\n".join(challenges))
    rows = sum(int(entry["last"]) for entry in entries)
    counts = {"videos": len(entries), "tracks": len(entries), "frames": rows, "rows": rows, "boxes": rows}
    return Declaration({"test": counts}, entries)
