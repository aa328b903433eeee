"""The laboratory in a real JupyterLab, driven like the saved page; also by hand:

PYTHONPATH=. python tests/browser/jupyter_page.py FOLDER    writes screenshots and prints speeds
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import numpy as np
from lab_browser import Lab, open_lab
from laboratory_driver import Laboratory

_THEME = """async (name) => {
  await window.jupyterapp.commands.execute("apputils:change-theme", { theme: name });
}"""

#: Time from a key on the strip to the picture and labels of the next frame on the screen, ms.
_FRAMES = """async (count) => {
  const lab = document.querySelector(".dl-lab");
  const strip = lab.querySelector(".dl-strip");
  const times = [];
  for (let i = 0; i < count; i++) {
    const before = lab.dataset.shown;
    const start = performance.now();
    strip.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    const done = () => lab.dataset.shown && lab.dataset.shown !== before;
    while (!done()) await new Promise((go) => requestAnimationFrame(go));
    await new Promise((go) => requestAnimationFrame(go));
    times.push(performance.now() - start);
  }
  return times;
}"""


class JupyterPage(Laboratory):
    """A notebook with the laboratory in its first output.

    Args:
        lab: the server.
        notebook: name of the notebook.
        run: whether its cells are run, or were before.
    """

    def __init__(self, lab: Lab, notebook: str, *, run: bool = True) -> None:
        page = lab.open(notebook)
        super().__init__(page, lab.context)
        self.errors = lab.run_all(page) if run else []
        page.set_default_timeout(60_000)
        page.evaluate("() => { window.panel = window.jupyterapp.shell.currentWidget; }")
        self.show()

    def show(self) -> None:
        """Wait for the laboratory, and scroll to it."""
        self.root.and_(self.page.locator("[data-painted]")).wait_for()
        self.root.scroll_into_view_if_needed()
        self.root.locator(".dl-stage:not(.dl-missing)").first.wait_for()
        self.page.wait_for_timeout(500)

    def theme(self, name: str) -> None:
        """Switch JupyterLab to "JupyterLab Light" or "JupyterLab Dark"."""
        self.page.evaluate(_THEME, name)
        light = "true" if name.endswith("Light") else "false"
        self.page.locator(f'body[data-jp-theme-light="{light}"]').wait_for(state="attached")
        self.settle()

    def frame_times(self, count: int) -> list[float]:
        """Times from a key to the next frame with its labels on the screen, ms."""
        times: list[float] = self.page.evaluate(_FRAMES, count)
        return times


@contextmanager
def notebook_of(*cells: str) -> Iterator[tuple[Lab, str]]:
    """JupyterLab with one notebook of these cells, and its name."""
    with tempfile.TemporaryDirectory() as private:
        home = Path(private) / "notebooks"
        home.mkdir()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, home / "lab.ipynb")
        places = {f"DLATRACK_{name}": f"{private}/{name.lower()}" for name in ("FIGURES", "RUNS")}
        with open_lab(home, Path(private), places) as lab:
            yield lab, "lab.ipynb"


def long_video(path: Path, frames: int = 1000, size: tuple[int, int] = (640, 360)) -> Path:
    """A video of many frames beside a table of boxes."""
    from dlatrack.datasets.synthetic import synthetic_sequence
    from dlatrack.datasets.video.writer import record

    sequence = synthetic_sequence(3, 60, size)
    rows = ["frame,x,y,w,h"]
    with record(path, 30.0) as recording:
        for frame in range(frames):
            place = min(frame % 118, 118 - frame % 118)  # to and fro
            recording.add(sequence.frames[place])
            if sequence.visible[place]:
                rows.append(",".join(map(str, (frame, *sequence.boxes_xywh[place].round(3)))))
    path.with_suffix(".csv").write_text("\n".join(rows) + "\n")
    return path


def main(folder: Path) -> None:
    """Write screenshots in both themes, and print speeds."""
    folder.mkdir(parents=True, exist_ok=True)
    video = long_video(folder.resolve() / "long.mp4")
    warm = "import time\nfrom dlatrack.viz.laboratory import explore\nexplore()._repr_mimebundle_()"
    opening = f"explore({str(video)!r})"
    with notebook_of(warm, opening) as (lab, name):
        page = lab.open(name)
        shown = Laboratory(page, lab.context)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
        page.locator(".jp-Notebook-cell").first.locator(".jp-InputPrompt", has_text="[1]").wait_for()
        started = time.perf_counter()
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
        shown.root.locator(".dl-stage:not(.dl-missing)").first.wait_for()
        print(f"opening a video of 1,000 frames: {time.perf_counter() - started:.2f} s")
        page.close()
        shown = JupyterPage(lab, name)
        errors = shown.drags(50)
        print(f"50 drags, largest distance from the pointer: {max(errors):.2f} px")
        print("pointer to labels: p50 {:.1f} ms, p95 {:.1f} ms".format(*shown.move_times(500)))
        times = np.array(shown.frame_times(100))
        print(f"frame change: p50 {np.median(times):.0f} ms, p95 {np.percentile(times, 95):.0f} ms")
        for width, height in ((1440, 900), (900, 1000), (390, 844)):
            shown.page.set_viewport_size({"width": width, "height": height})
            if width < 500:  # the list of files leaves no room
                shown.page.evaluate(
                    "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
                )
            for theme in ("JupyterLab Light", "JupyterLab Dark"):
                shown.theme(theme)
                shown.show()
                shown.page.screenshot(path=folder / f"jupyter_{width}_{theme.split()[1].lower()}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "shots"))
