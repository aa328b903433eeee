"""How quickly training pairs come from a pack, how that grows with processes, and what the index takes."""

from __future__ import annotations

import os
import tempfile
import time
import tracemalloc
from pathlib import Path

import cv2
import numpy as np

from dlatrack.bench.measure import BenchReport, machine, measure
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.mini.videos import save_images
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.recipes import recipe
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack.index import Description, Index
from dlatrack.sampling.pack.read import PackedCrops, read_pack
from dlatrack.sampling.pack.write import pack as write_pack
from dlatrack.sampling.pairs import PairSource

_BATCH = 32
_ROWS, _TRACKS = 10_000_000, 50_000  # of the simulated index


def bench_pairs(repeats: int, *, pack: str = "") -> BenchReport:
    """One training pair from a pack, against decoding its two JPEG files as they are.

    Also measured: pairs per second with one and two worker processes, growth of memory over 20 pairs per repetition,
    and time and memory for an index of ten million crops.

    Args:
        repeats: timed pairs.
        pack: folder of a pack to draw from; by default one of synthetic video is made, whose crops are smaller than
            those of photographs.

    Raises:
        InputError: if the pack is not sound.
    """
    chosen = recipe("dla_siamcar")
    with tempfile.TemporaryDirectory() as folder:
        crops = read_pack(pack) if pack else _synthetic_pack(Path(folder))
        source = PairSource(crops, chosen.sampling, chosen.net, seed=0)
        files = [_files(source, index) for index in range(repeats)]
        timings = measure(
            {
                "training pair from a pack": lambda turn: source.pair(0, turn),
                "two whole JPEG decodes": lambda turn: [_decoded(data) for data in files[turn]],
            },
            repeats,
        )
        one, two = _rates(source, batches=max(2 * repeats // _BATCH, 4))
        figures = {
            "pair over two decodes": timings[0].median / timings[1].median,
            "pairs per second, 1 worker": one,
            "pairs per second, 2 workers": two,
            "2 workers over 1": two / one,
            "pairs of the memory test": float(20 * repeats),
            "growth of memory over them, MiB": _growth(source, 20 * repeats),
            "mean size of a stored crop, KiB": float(crops.index.sizes.mean()) / 1024,
        }
        named = {"pack": Path(pack).name if pack else "synthetic video"}
        return BenchReport(timings, figures | index_figures(Path(folder)), machine() | named)


def _synthetic_pack(folder: Path) -> PackedCrops:
    return write_pack(synthetic_table(folder / "images", 8, 10), folder / "pack", workers=1)


def synthetic_table(root: Path, sequences: int, length: int) -> TrackTable:
    """Write synthetic videos as JPEG files and index them."""
    builder = TrackTableBuilder(root)
    for sequence in synthetic_sequences(sequences, seed=0, length=length):
        images = (sequence.frames[number] for number in range(length))
        save_images(root / sequence.name, "%06d.jpg", range(length), images)
        builder.add(
            sequence.name,
            f"{sequence.name}/%06d.jpg",
            np.arange(length),
            sequence.boxes_xywh,
            visible=sequence.visible,
        )
    return builder.build()


def index_figures(folder: Path, rows: int = _ROWS, tracks: int = _TRACKS) -> dict[str, float]:
    """Seconds and peak MiB to index so many crops, and to draw from them: from originals, and from a pack."""
    figures = {}
    million = rows / 1e6
    tracemalloc.start()
    try:
        for what in ("originals", "pack"):
            if what == "pack":
                _simulated_index(rows, tracks).save(folder / "index.safetensors")
            tracemalloc.reset_peak()
            before, started = tracemalloc.get_traced_memory()[0], time.perf_counter()
            crops = _simulated_originals(rows, tracks) if what == "originals" else _opened(folder)
            source = PairSource(crops, recipe("dla_siamcar").sampling, recipe("dla_siamcar").net)
            for index in range(1000):
                source.draw_frames(True, np.random.Generator(np.random.Philox(key=[0, index])))
            peak = tracemalloc.get_traced_memory()[1] - before
            figures[f"index of {million:g} million, {what}, s"] = time.perf_counter() - started
            figures[f"index of {million:g} million, {what}, MiB at most"] = peak / 2**20
            del crops, source
    finally:
        tracemalloc.stop()
    return figures


def _simulated_originals(rows: int, tracks: int) -> OriginalCrops:
    """The index of a data set as a reader builds it, track after track."""
    builder = TrackTableBuilder(Path("nowhere"), np.float32)
    length = rows // tracks
    boxes = np.tile(np.array([10, 20, 30, 40], np.float32), (length, 1))
    numbers = np.arange(length)
    for track in range(tracks):
        builder.add(f"video {track}", f"video{track}/%06d.jpg", numbers, boxes)
    table = builder.build()
    del builder  # as when a reader returns
    crops = OriginalCrops.of(table)
    crops.target_wh.sum()
    return crops


def _simulated_index(rows: int, tracks: int) -> Index:
    per_shard = 2000
    return Index(
        shards=np.append(np.arange(0, rows, per_shard), rows),
        offsets=np.arange(rows, dtype=np.int64) % per_shard * 60_000,
        sizes=np.full(rows, 58_000, np.int32),
        target_wh=np.full((rows, 2), 63.5, np.float32),
        tracks=np.arange(tracks + 1) * (rows // tracks),
        videos=np.arange(tracks + 1),
    )


def _opened(folder: Path) -> PackedCrops:
    index = Index.load(folder / "index.safetensors")
    return PackedCrops(folder, Description("", {}, "", len(index.sizes), 0, 0, 95, "", ()), index)


def _files(source: PairSource, index: int) -> list[np.ndarray]:
    """The two JPEG files of a pair."""
    crops = source.mixture.sets[0]
    rng = np.random.Generator(np.random.Philox(key=[source.seed, index]))
    rng.random()  # positive or not
    frames = source.draw_frames(True, rng)
    if not isinstance(crops, PackedCrops):
        raise TypeError("files are those of a pack")
    return [np.frombuffer(crops.encoded(crop), np.uint8) for crop in frames]


def _decoded(data: np.ndarray) -> np.ndarray | None:
    image: np.ndarray | None = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    return image


def _rates(source: PairSource, batches: int) -> tuple[float, float]:
    """Pairs per second with 1 and 2 workers, the best of three turns each; the first batches are not counted."""
    best = dict.fromkeys((1, 2), 0.0)
    for _ in range(3):
        for workers, rate in best.items():
            skip = 4 * workers  # those prepared ahead while the processes start
            stream = source.batches(0, (batches + skip) * _BATCH, _BATCH, workers=workers)
            for _ in range(skip):
                next(stream)
            started = time.perf_counter()
            count = sum(len(batch.key) for batch in stream)
            best[workers] = max(rate, count / (time.perf_counter() - started))
    return best[1], best[2]


def _growth(source: PairSource, pairs: int) -> float:
    """MiB that the process has grown by over so many pairs, after as many as fill every cache."""
    for index in range(200):
        source.pair(1, index)
    before = _resident()
    for index in range(pairs):
        source.pair(0, index)
    return (_resident() - before) / 2**20


def _resident() -> float:
    """Bytes of memory that this process holds; NaN where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return float("nan")
    return float(pages * os.sysconf("SC_PAGE_SIZE"))
