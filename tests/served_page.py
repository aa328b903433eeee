"""The page on which targets are drawn, served by a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlatrack.pixels.select_page import select_on_page

IMAGE = np.random.default_rng(0).integers(0, 255, (180, 320, 3)).astype(np.uint8)


@contextmanager
def served(check: Callable[[Any], object] = lambda _: None) -> Iterator[tuple[int, str, list[Any]]]:
    """The page in a thread: its port, its path, and what was chosen once it has ended."""
    addresses: list[str] = []
    known, ended, chosen = threading.Event(), threading.Event(), []

    def announce(address: str) -> None:
        addresses.append(address)
        known.set()

    def run() -> None:
        try:
            chosen.extend(select_on_page(IMAGE, check, announce, ended.is_set))
        except KeyboardInterrupt:
            chosen.append("given up")

    thread = threading.Thread(target=run)
    thread.start()
    assert known.wait(60)
    host, _, path = addresses[0].removeprefix("http://").partition("/")
    try:
        yield int(host.rpartition(":")[2]), f"/{path}", chosen
    finally:
        ended.set()
        thread.join()
