"""Speed of training pairs from a pack, its growth with processes, and time and memory of the index."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import cv2
import numpy as np

from dlatrack.bench.measure import BenchReport, machine, measure, resident_mib
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.mini.videos import save_images
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.paths import scratch_folder
from dlatrack.recipes import recipe
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack.index import TAR_BLOCK, Description, Index
from dlatrack.sampling.pack.read import PackedCrops, read_pack
from dlatrack.sampling.pack.write import pack as write_pack
from dlatrack.sampling.pairs import PairSource

_BATCH = 32
_ROWS, _TRACKS = 10_000_000, 50_000  # of the simulated index


def bench_pairs(repeats: int, *, pack: str = "") -> BenchReport:
    """Time one training pair from a pack, and the decoding of its two JPEG files.

    Also measured: pairs per second with one and two worker processes, growth of memory over 20 pairs per repetition,
    and time and memory for an index of ten million crops.

    Args:
        repeats: number of timed pairs.
        pack: folder of a pack; "": a new one of synthetic videos, whose crops are smaller than those of photographs.

    Raises:
        InputError: if the pack is damaged.
    """
    chosen = recipe("dla_siamcar")
    with scratch_folder(name="bench") as folder:
        if pack:
            crops = read_pack(pack)
        else:
            table = synthetic_table(folder / "images", 8, 10)
            crops = write_pack(table, folder / "pack", workers=1)
        source = PairSource(crops, chosen.sampling, chosen.net, seed=0)
        files = [_files(crops, source, index) for index in range(repeats)]
        timings = measure(
            {
                "training pair from a pack": lambda turn: source.pair(0, turn),
                "two whole JPEG decodes": lambda turn: [
                    cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) for data in files[turn]
                ],
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
        return BenchReport(timings, figures | index_figures(folder), machine() | named)


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
    """Seconds and peak MiB to index crops and to draw from them, for a data set and for a pack.

    Args:
        folder: folder for the index of the simulated pack.
        rows: number of crops.
        tracks: number of tracks.
    """
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
    """The index of a data set, built track by track as a reader builds it."""
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
        offsets=TAR_BLOCK + np.arange(rows, dtype=np.int64) % per_shard * 60_000,
        sizes=np.full(rows, 58_000, np.int32),
        target_wh=np.full((rows, 2), 63.5, np.float32),
        tracks=np.arange(tracks + 1) * (rows // tracks),
        videos=np.arange(tracks + 1),
    )


def _opened(folder: Path) -> PackedCrops:
    index = Index.load(folder / "index.safetensors")
    return PackedCrops(folder, Description("", {}, "", len(index.sizes), 0, 0, 95, "", ()), index)


def _files(crops: PackedCrops, source: PairSource, index: int) -> list[np.ndarray]:
    """The two JPEG files of a pair."""
    rng = np.random.Generator(np.random.Philox(key=[source.seed, index]))
    rng.random()  # positive or not
    return [np.frombuffer(crops.encoded(crop), np.uint8) for crop in source.draw_frames(True, rng)]


def _rates(source: PairSource, batches: int) -> tuple[float, float]:
    """Pairs per second with 1 and 2 workers, the best of three turns each, without the first batches."""
    best = dict.fromkeys((1, 2), 0.0)
    for _ in range(3):
        for workers, rate in best.items():
            skip = 4 * workers  # prepared while the processes start
            stream = source.batches(0, (batches + skip) * _BATCH, _BATCH, workers=workers)
            for _ in range(skip):
                next(stream)
            started = time.perf_counter()
            count = sum(len(batch.key) for batch in stream)
            best[workers] = max(rate, count / (time.perf_counter() - started))
    return best[1], best[2]


def _growth(source: PairSource, pairs: int) -> float:
    """Growth of the process over `pairs` pairs, MiB, after enough pairs to fill every cache."""
    for index in range(200):
        source.pair(1, index)
    before = resident_mib()
    for index in range(pairs):
        source.pair(0, index)
    return resident_mib() - before
