"""Pack a data set for training: its crops, cut once and written to tar shards. See `pack.index` for the files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.errors import InputError, NotEnoughMemoryError
from dlatrack.files import LOCK, file_digest, owned_folder, write_text
from dlatrack.memory import memory_errors
from dlatrack.processes import GUARD, check_may_start, leave_with_parent
from dlatrack.progress import Progress
from dlatrack.sampling.content_list import changed_parts, write_content
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack.index import FORMAT, INDEX, PACK_FILE, Description, Index
from dlatrack.sampling.pack.read import PackedCrops, read_pack
from dlatrack.sampling.pack.shard import Note, ShardJob, note_path, read_note, write_shard
from dlatrack.sampling.store import JPEG_QUALITY
from dlatrack.structured.json_files import read_json_object

_PLAN = "unfinished.json"

#: Entries of the plan that identify a pack, and their names in messages.
_IDENTITY = {
    "format": "formats",
    "name": "names",
    "source_sha256": "annotations",
    "images_sha256": "images",
    "quality": "qualities",
    "shard_crops": "sizes of shards",
}

#: Smallest number of crops in a shard: about 100 MB, a size that object stores deliver well.
_SHARD_CROPS = 2000


def pack(
    table: TrackTable,
    out: str | Path,
    *,
    name: str = "",
    origin: Mapping[str, Any] | None = None,
    shard_crops: int = _SHARD_CROPS,
    workers: int | None = None,
) -> PackedCrops:
    """Cut the 511-pixel crop of every usable row of a table and write all to a folder of tar shards.

    Every shard is written whole or not at all. A second call with the same arguments resumes an interrupted one, and
    rewrites shards whose images have changed meanwhile. A finished pack is only read, and refused if images have
    changed. The bytes do not depend on the number of workers.

    Args:
        table: the data set; rows that are not `usable` are left out.
        out: folder of the pack; created when absent.
        name: name of the data set, for the description.
        origin: findings of a check of the data set, for the description.
        shard_crops: smallest number of crops in each shard but the last; tracks are not divided.
        workers: processes; by default one per core. 1: this process.

    Raises:
        InputError: if the folder holds another pack or one is written there, an image cannot be used, or the disk is
            full.
        ValueError: for a number out of range.
    """
    check_may_start()
    workers = os.cpu_count() or 1 if workers is None else workers
    if shard_crops < 1 or workers < 1:
        raise ValueError(f"shard_crops and workers must be 1 or more, got {shard_crops} and {workers}")
    out, crops = Path(out), OriginalCrops.of(table, origin)
    plan = {
        "format": FORMAT,
        "name": name,
        "source_sha256": crops.table.digest(),
        "images_sha256": crops.images_sha256,
        "quality": JPEG_QUALITY,
        "shard_crops": shard_crops,
    }
    with owned_folder(out):
        if (out / PACK_FILE).exists():
            finished = read_pack(out)
            _check_same(out, vars(finished.description), plan, crops)
            return finished
        job = ShardJob(crops, out, _limits(crops.tracks, shard_crops))
        _begin_or_resume(job, plan)
        try:
            _write_shards(job, workers)
        except NotEnoughMemoryError:
            raise
        except InputError as error:
            raise InputError(
                f"{error}; what is packed stays in {out}, and the same command resumes once this is corrected"
            ) from error
        return _finish(job, plan)


def _limits(tracks: np.ndarray, shard_crops: int) -> np.ndarray:
    """(S + 1,) int64, first crop of each shard: a shard ends with the track that fills it."""
    limits = [0]
    while limits[-1] < tracks[-1]:
        at = int(np.searchsorted(tracks, min(limits[-1] + shard_crops, tracks[-1])))
        limits.append(int(tracks[at]))
    return np.array(limits, np.int64)


def _begin_or_resume(job: ShardJob, plan: dict[str, Any]) -> None:
    """Begin in an empty folder, or resume in one with the same plan; shards whose images changed are rewritten."""
    out, content = job.folder, job.crops.content()
    if (out / _PLAN).exists():
        found, changed = read_json_object(out / _PLAN), changed_parts(out, content)
        _check_same(
            out, found | ({"images_sha256": plan["images_sha256"]} if changed else {}), plan, job.crops
        )
        for number in _shards_of(job, {name.removeprefix("images of ") for name in changed}):
            note_path(out, number).unlink(missing_ok=True)
    elif any(path.name != LOCK for path in out.iterdir()):
        raise InputError(f"{out} is not empty and holds no pack; choose another folder")
    write_text(out / _PLAN, json.dumps(plan, indent=1))
    write_content(out, content)


def _shards_of(job: ShardJob, templates: set[str]) -> set[int]:
    """The shards with crops of images under these templates; a track lies in one shard."""
    table = job.crops.table
    return {
        int(np.searchsorted(job.limits, start, "right")) - 1
        for start, template in zip(table.starts[:-1].tolist(), table.templates, strict=True)
        if template in templates
    }


def _check_same(out: Path, found: Mapping[str, Any], plan: Mapping[str, Any], crops: OriginalCrops) -> None:
    """Check that a folder was packed from the same data in the same way.

    Raises:
        InputError: naming what differs, among the entries that both have.
    """
    if not found.get("images_sha256"):
        raise InputError(
            f"{out} does not say which images it was packed from, as earlier versions of dlatrack wrote it; train on "
            f"it as it is, or pack to another folder"
        )
    if differing := [what for key, what in _IDENTITY.items() if found.get(key, plan[key]) != plan[key]]:
        changed = changed_parts(out, crops.content()) if "images" in differing else []
        first = f"; the first change: {changed[0]}" if changed else ""
        raise InputError(
            f"{out} holds a pack of other data or other settings ({' and '.join(differing)} differ{first}); choose "
            f"another folder or remove it"
        )


def _write_shards(job: ShardJob, workers: int) -> None:
    lengths = np.diff(job.limits).tolist()
    todo = [number for number in range(len(lengths)) if read_note(job, number) is None]
    with Progress(len(job.crops), "packing", unit="crops") as progress:
        progress.step(len(job.crops) - sum(lengths[number] for number in todo))
        if min(workers, len(todo)) <= 1:
            for number in todo:
                write_shard(job, number)
                progress.step(lengths[number])
            return
        with _pool(job, min(workers, len(todo))) as pool:
            futures: dict[Future[None], int] = {pool.submit(_write_in_worker, n): n for n in todo}
            for future in as_completed(futures):
                future.result()
                progress.step(lengths[futures[future]])


@contextmanager
def _pool(job: ShardJob, workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that write shards; after a failure the shards that were begun are finished and no others."""
    pool = ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(job,))
    try:
        with memory_errors("packing", "pack once more with fewer workers; finished shards are kept"):
            yield pool
    except BrokenProcessPool as error:
        raise InputError(
            f"a process that packs has died, possibly out of memory; pack once more with fewer than {workers} "
            f"workers; if its error is printed above, and this is a script, {GUARD}"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_job: ShardJob | None = None  # the job of a worker process


def _start_worker(job: ShardJob) -> None:
    global _job  # noqa: PLW0603  (the only way to give a process something once)
    _job = job
    leave_with_parent()
    cv2.setNumThreads(0)


def _write_in_worker(number: int) -> None:
    if _job is None:
        raise RuntimeError("the worker was not started with a job")
    write_shard(_job, number)


def _finish(job: ShardJob, plan: dict[str, Any]) -> PackedCrops:
    """Join the notes to the index, describe the pack and remove what is no longer needed."""
    count = len(job.limits) - 1
    notes: list[Note] = [note for number in range(count) if (note := read_note(job, number)) is not None]
    if len(notes) < count:
        raise InputError(f"shards in {job.folder} have vanished while it was packed; pack once more")
    index = Index(
        shards=job.limits,
        offsets=np.concatenate([note.offsets for note in notes]),
        sizes=np.concatenate([note.sizes for note in notes]),
        target_wh=job.crops.target_wh,
        tracks=job.crops.tracks,
        videos=job.crops.videos,
    )
    index.save(job.folder / INDEX)
    Description(
        name=plan["name"],
        origin=job.crops.origin,
        source_sha256=plan["source_sha256"],
        crops=len(job.crops),
        tracks=job.crops.track_count,
        videos=len(job.crops.videos) - 1,
        quality=JPEG_QUALITY,
        index_sha256=file_digest(job.folder / INDEX),
        shards=tuple(note.shard for note in notes),
        images_sha256=plan["images_sha256"],
    ).save(job.folder)
    for leftover in (*(note_path(job.folder, number) for number in range(count)), job.folder / _PLAN):
        leftover.unlink()
    return read_pack(job.folder)
