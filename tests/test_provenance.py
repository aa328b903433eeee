from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox
from PIL import Image

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.imagery import least_real
from dlatrack.provenance import save_table, sha256_of, versions
from dlatrack.viz.save import NotebookRecord, save_figure
from dlatrack.viz.style import FIGURE_DPI, figure_style, new_figure

MADE_BY = "notebooks/09_hyperparameter_k.py"


def line_figure() -> Figure:
    with figure_style():
        fig = new_figure(89, 50)
        ax = fig.add_subplot()
        ax.plot([0, 1], [2, 3], label="a")
        ax.imshow(np.arange(12.0).reshape(3, 4))  # a map of values, not an image
        ax.set(title="IoU ≥ T", xlabel="step")
        ax.legend()
    return fig


def save(folder: Path, /, **changes):
    arguments = {
        "data": {"x": [1, 2]},
        "made_by": MADE_BY,
        "parameters": {"seed": 0},
        "folder": folder,
    } | changes
    return save_figure(line_figure(), "fig09", **arguments)


def test_five_files_that_belong_together(tmp_path):
    data = {"k": np.array([5, 7]), "mean": torch.tensor([2.5, float("nan")]), "name": "car"}
    png = save(tmp_path, data=data, parameters={"preset": "demo", "ks": (5, 7)}, imagery="synthetic")
    assert png == tmp_path / "fig09.png"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "fig09.csv",
        "fig09.data.json",
        "fig09.json",
        "fig09.png",
        "fig09.svg",
    ]
    written = (tmp_path / "fig09.data.json").read_bytes()
    assert json.loads(written) == {"k": [5, 7], "mean": [2.5, None], "name": "car"}
    record = json.loads((tmp_path / "fig09.json").read_text())
    assert record["data"] == "fig09.data.json"
    assert record["data_sha256"] == hashlib.sha256(written).hexdigest()
    assert record["made_by"] == MADE_BY
    assert record["parameters"] == {"preset": "demo", "ks": [5, 7]}
    assert record["imagery"] == "synthetic"
    assert set(record["versions"]) == {"python", "dlatrack", "torch", "numpy", "matplotlib"}


def test_same_data_same_bytes(tmp_path):
    save(tmp_path / "a")
    with mpl.rc_context(
        {"svg.fonttype": "path", "font.sans-serif": "Arial", "savefig.bbox": "tight", "savefig.dpi": 50}
    ):
        save(tmp_path / "b")  # the reader's own settings do not leak in
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_saving_a_figure_twice_gives_the_same_bytes(tmp_path):
    fig = line_figure()
    for folder in ("a", "b"):
        save_figure(
            fig, "f", data={}, made_by=MADE_BY, parameters={}, folder=tmp_path / folder, imagery="synthetic"
        )
    assert (tmp_path / "a/f.png").read_bytes() == (tmp_path / "b/f.png").read_bytes()
    assert (tmp_path / "a/f.svg").read_bytes() == (tmp_path / "b/f.svg").read_bytes()


@pytest.mark.slow
def test_the_last_bits_of_a_layout_change_no_byte(tmp_path, monkeypatch):
    solve, noise = ConstrainedLayoutEngine.execute, np.random.default_rng(0)

    def unsteady(engine, fig):
        """Solve as matplotlib does, but for the last bits, which are others each time."""
        solve(engine, fig)
        for part in fig.subfigs:
            points = part.bbox_relative.get_points()
            part.bbox_relative.set_points(points + noise.normal(0, 1e-15, points.shape))
        for ax in fig.axes:
            points = ax.get_position(original=True).get_points()
            ax.set_position(Bbox(points + noise.normal(0, 1e-15, points.shape)))
            ax.set_in_layout(True)

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", unsteady)
    written = []
    for _ in range(3):
        with figure_style():
            fig = new_figure(89, 80)
            above, below = fig.subfigures(2, 1)
            for part, count in ((above, 3), (below, 2)):
                for ax in part.subplots(1, count):
                    ax.plot([0, 1], [2, 3])
                    ax.set(xlabel="step")
        save_figure(fig, "fig", data={}, made_by=MADE_BY, parameters={}, folder=tmp_path)
        written.append({path.name: path.read_bytes() for path in tmp_path.iterdir()})
    assert written[1] == written[0]
    assert written[2] == written[0]


def test_the_layout_is_that_of_the_png(tmp_path):
    """Text is relatively wider at some resolutions; a layout of the screen's would cut it."""
    with figure_style():
        fig = new_figure(89, 50)
        ax = fig.add_subplot()
        ax.set_yticks(range(3), [2 * "seg_bird_of_paradise", "davis_schoolgirls-6", "girl"])
    fig.dpi = 72
    save_figure(fig, "fig", data={}, made_by=MADE_BY, parameters={}, folder=tmp_path)
    assert fig.dpi == 72
    ink = (mpl.image.imread(tmp_path / "fig.png")[..., :3] < 0.99).any((0, 2))
    assert not ink[:5].any()
    assert not ink[-5:].any()


def test_another_process_writes_the_same_bytes(tmp_path):
    script = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(paths.root())!r}]\n"
        "from pathlib import Path; from test_provenance import save\n"
        f"save(Path({str(tmp_path / 'other')!r}))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)
    save(tmp_path / "here")
    for path in (tmp_path / "here").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name


def test_pictures_carry_neither_date_nor_program(tmp_path):
    save(tmp_path)
    assert b"dc:date" not in (tmp_path / "fig09.svg").read_bytes()
    assert b"Software" not in (tmp_path / "fig09.png").read_bytes()


def test_text_of_an_svg_is_text_and_says_what_is_shown(tmp_path):
    with figure_style():
        fig = new_figure(89, 50)
        ax = fig.add_subplot()
        ax.plot([0, 1], [2, 3], label="K < 9")
        ax.set(xlabel="step", ylabel=r"$\mu$ of the loss", title="Loss\nby step")
        ax.legend()
    save_figure(fig, "fig", data={}, made_by=MADE_BY, parameters={}, folder=tmp_path)
    root = ElementTree.parse(tmp_path / "fig.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{space}title") == "Loss by step"
    assert root.findtext(f"{space}desc") == "Loss by step: mu of the loss against step: K < 9."
    texts = {"".join(text.itertext()) for text in root.iter(f"{space}text")}
    assert {"step", "K < 9", "0.0"} <= texts


def test_a_figure_without_a_title_has_its_name(tmp_path):
    save_figure(new_figure(20, 20), "fig09", data={}, made_by=MADE_BY, parameters={}, folder=tmp_path)
    assert b"<title>fig09</title>" in (tmp_path / "fig09.svg").read_bytes()


@pytest.mark.parametrize("kind", ["figure", "table"])
def test_the_versions_in_a_record_are_those_that_first_gave_the_bytes(kind, tmp_path, monkeypatch):
    def keep(number: float, seed: int = 0) -> str:
        parameters = {"seed": seed}
        if kind == "figure":
            save(tmp_path, data={"x": number}, parameters=parameters)
        else:
            frame = pd.DataFrame({"x": [number]})
            options = {"made_by": MADE_BY, "parameters": parameters, "imagery": "real", "folder": tmp_path}
            save_table(frame, "fig09", **options)
        return json.loads((tmp_path / "fig09.json").read_text())["versions"]["python"]

    monkeypatch.setattr(platform, "python_version", lambda: "3.11.0")
    assert keep(1.0) == "3.11.0"
    monkeypatch.setattr(platform, "python_version", lambda: "3.12.0")
    assert keep(1.0) == "3.11.0"
    assert keep(1.0, seed=1) == "3.12.0", "other parameters"
    monkeypatch.setattr(platform, "python_version", lambda: "3.13.0")
    assert keep(2.0, seed=1) == "3.13.0", "another number"
    (tmp_path / "fig09.json").write_text("[1")
    assert keep(2.0, seed=1) == "3.13.0", "a damaged record"


def test_records_hold_no_absolute_path(tmp_path):
    parameters = {
        "out": paths.root() / "runs" / "03",
        "data": ["/srv/lasot"],
        "net": {"w": PurePosixPath("/x/w.pt")},
    }
    save(tmp_path, parameters=parameters)
    record = json.loads((tmp_path / "fig09.json").read_text())
    assert record["parameters"] == {"out": "runs/03", "data": ["lasot"], "net": {"w": "w.pt"}}
    with pytest.raises(ValueError, match=r"made_by must be a path relative to the clone, got '/srv/nb\.py'"):
        save(tmp_path, made_by="/srv/nb.py")


def test_the_default_folder_is_that_of_figures(tmp_path, monkeypatch):
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path / "pictures"))
    assert save(tmp_path, folder=None) == tmp_path / "pictures" / "fig09.png"


def test_no_preset_writes_the_figures_of_the_project(tmp_path, monkeypatch):
    monkeypatch.delenv("DLATRACK_FIGURES", raising=False)
    monkeypatch.delenv("DLATRACK_RUNS", raising=False)
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    folder = tmp_path / "runs" / "figures"
    for preset in ("smoke", "demo", "paper"):
        assert save(tmp_path, folder=None, parameters={"preset": preset}) == folder / "fig09.png"
        table = save_table(
            pd.DataFrame({"a": [1]}), "t", made_by=MADE_BY, parameters={"preset": preset}, imagery="real"
        )
        assert table == folder / "t.csv"
    assert not (tmp_path / "figures").exists()


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    left = tmp_path / ".fig09-abcdefgh.png"
    left.touch()
    save(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": {"b": [1.0, float("inf")]}}, r"data\.a\.b\[1\] is inf; only finite"),
        ({"a": object()}, r"data\.a is a object, which JSON cannot hold"),
        ({"a": {1.5: 2}}, r"data\.a has the key 1\.5; keys must be text or whole numbers"),
        ({"a": {1: 2, "1": 3}}, r"data\.a has a number and a text that read the same"),
        ({"a": np.array([-np.inf])}, r"data\.a\[0\] is -inf"),
    ],
)
def test_data_that_json_cannot_hold_leaves_no_file(data, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save(tmp_path / "new", data=data)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["", "fig09.png", "../fig09", "a b"])
def test_bad_names(name, tmp_path):
    with pytest.raises(ValueError, match="letters, digits, - and _ only"):
        save_figure(line_figure(), name, data={}, made_by=MADE_BY, parameters={}, folder=tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        save(tmp_path / "file")


def test_tables(tmp_path):
    frame = pd.DataFrame({"tracker": ["a|b", None], "AO": [0.51234567, np.nan], "frames": [12345, 7]})
    csv = save_table(frame, "table02", made_by=MADE_BY, parameters={}, imagery="synthetic", folder=tmp_path)
    assert csv.read_text() == "tracker,AO,frames\na|b,0.51234567,12345\n,,7\n"
    assert (tmp_path / "table02.md").read_text() == (
        "| tracker | AO | frames |\n| --- | ---: | ---: |\n| a\\|b | 0.5123 | 12345 |\n|  |  | 7 |\n"
        "\nOn synthetic data.\n"
    )
    record = json.loads((tmp_path / "table02.json").read_text())
    assert record["imagery"] == "synthetic"
    assert record["data_sha256"] == hashlib.sha256(csv.read_bytes()).hexdigest()


def test_tables_keep_a_meaningful_index_and_say_nothing_of_real_data(tmp_path):
    frame = pd.DataFrame({"lr": [1e-3, 5e-4], "speed": [1234.5, 98.0]}, index=["first", "last"])
    frame.index.name = "epoch"
    save_table(frame, "t", made_by=MADE_BY, parameters={}, imagery="real", folder=tmp_path)
    assert (tmp_path / "t.md").read_text() == (
        "| epoch | lr | speed |\n| --- | ---: | ---: |\n| first | 0.001000 | 1234 |\n| last | 0.000500 | 98 |\n"
    )


@dataclass(frozen=True)
class Setting:
    k: int = 9
    shapes: tuple[int, ...] = (64, 64)


def test_hash_of_canonical_json():
    assert sha256_of({"b": 1, "a": [True, None]}) == hashlib.sha256(b'{"a":[true,null],"b":1}').hexdigest()


def test_hash_ignores_the_container_and_the_order_of_keys():
    plain = sha256_of({"x": [1.5, 2.5], "s": {"k": 9, "shapes": [64, 64]}})
    assert sha256_of({"s": Setting(), "x": np.array([1.5, 2.5])}) == plain
    assert sha256_of({"s": Setting(), "x": torch.tensor([1.5, 2.5], requires_grad=True)}) == plain
    assert sha256_of({"s": Setting(k=7), "x": [1.5, 2.5]}) != plain
    assert sha256_of([1]) != sha256_of([1.0]) != sha256_of(["1"])
    with pytest.raises(ValueError, match=r"value\[0\] is a set"):
        sha256_of([{1}])


def test_versions_of_absent_packages():
    assert versions(["numpy", "no-such-package"]) == {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "no-such-package": "not installed",
    }


def test_a_notebook_keeps_figures_and_tables_with_its_record(tmp_path):
    record = NotebookRecord("09_hyperparameter_k", {"seed": 3}, imagery="synthetic", folder=tmp_path / "kept")
    figure, table = line_figure(), pd.DataFrame({"K": [5, 7]})
    assert record.keep(figure, "fig09", {"x": [1, 2]}) is figure
    assert record.keep(table, "table", parameters={}, imagery="real") is table
    save(tmp_path / "saved", parameters={"seed": 3}, imagery="synthetic")
    save_table(table, "table", made_by=MADE_BY, parameters={}, imagery="real", folder=tmp_path / "saved")
    names = sorted(path.name for path in (tmp_path / "saved").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "kept").iterdir())
    for name in names:
        assert (tmp_path / "kept" / name).read_bytes() == (tmp_path / "saved" / name).read_bytes(), name


@pytest.mark.parametrize("notebook", ["a/b", "../09", "09.py", ""])
def test_a_notebook_is_named_without_folder_and_suffix(notebook: str) -> None:
    with pytest.raises(ValueError, match="notebook must be a name without folder and suffix"):
        NotebookRecord(notebook, {}, imagery="synthetic")


def test_a_figure_is_kept_with_its_data_and_a_table_without(tmp_path: Path) -> None:
    record = NotebookRecord("09_hyperparameter_k", {}, imagery="synthetic", folder=tmp_path)
    for shown, data in ((line_figure(), None), (pd.DataFrame(), {"x": [1]}), (3, {"x": [1]})):
        with pytest.raises(ValueError, match="a figure is kept with its data and a table without"):
            record.keep(shown, "fig09", data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("imagery", "note"),
    [
        ("real", ""),
        ("photographic", "\nOn photographs, simulated camera.\n"),
        ("synthetic", "\nOn synthetic data.\n"),
    ],
)
def test_a_table_says_what_its_images_are(tmp_path, imagery, note):
    frame = pd.DataFrame({"AUC": [0.5]})
    save_table(frame, "t", made_by=MADE_BY, parameters={}, imagery=imagery, folder=tmp_path)
    assert (tmp_path / "t.md").read_text().partition("|\n")[2].partition("|\n")[2].partition("|\n")[2] == note
    assert json.loads((tmp_path / "t.json").read_text())["imagery"] == imagery


def test_another_imagery_is_named(tmp_path):
    with pytest.raises(
        ValueError, match="imagery must be one of real, photographic, synthetic, mixed or None, got 'photo'"
    ):
        save(tmp_path, imagery="photo")
    with pytest.raises(ValueError, match="got 'photo'"):
        save_table(pd.DataFrame(), "t", made_by=MADE_BY, parameters={}, imagery="photo", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_whole_is_as_real_as_its_least_real_part():
    assert least_real(["real", "synthetic", "photographic"]) == "synthetic"
    assert least_real(["photographic", "real"]) == "photographic"
    assert least_real(["real"]) == "real"


def photograph_figure(values: np.ndarray) -> Figure:
    with figure_style():
        fig = new_figure(89, 50)
        fig.add_subplot().imshow(values)
    return fig


def test_a_figure_with_images_is_kept_as_a_photograph(tmp_path):
    """Lossless, a page of photographs has some MB; within a plot, few colours keep every line as it is."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (200, 300, 3)).astype(np.uint8)
    arguments = {"data": {}, "made_by": MADE_BY, "parameters": {}, "folder": tmp_path}
    save_figure(line_figure(), "f", **arguments)
    with Image.open(tmp_path / "f.png") as plot:
        assert (plot.mode, plot.size) == ("P", (700, 393))
    path = save_figure(photograph_figure(noise), "f", **arguments)
    assert path == tmp_path / "f.webp"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["f.data.json", "f.json", "f.webp"]
    first = path.read_bytes()
    save_figure(photograph_figure(noise), "f", **arguments)
    assert path.read_bytes() == first
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("WEBP", (700, 393))
    figure = line_figure()
    figure.axes[0].inset_axes([0.5, 0.5, 0.4, 0.4]).imshow(noise)
    assert save_figure(figure, "f", **arguments) == path, "an inset is noticed"
    save_figure(line_figure(), "f", **arguments)
    assert not path.exists()


def test_a_plot_without_vectors_is_a_png_alone(tmp_path):
    save(tmp_path)
    assert (tmp_path / "fig09.svg").is_file()
    assert save(tmp_path, vectors=False) == tmp_path / "fig09.png"
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".json", ".png"}


def test_few_colours_leave_lines_as_drawn(tmp_path):
    save(tmp_path)
    drawn = io.BytesIO()
    figure = line_figure()
    figure.savefig(drawn, format="png", dpi=FIGURE_DPI, facecolor="white")
    before = np.asarray(Image.open(drawn).convert("RGB")).astype(int)
    after = np.asarray(Image.open(tmp_path / "fig09.png").convert("RGB")).astype(int)
    assert np.abs(after - before).mean() < 0.1
    colours, counts = np.unique(before.reshape(-1, 3), axis=0, return_counts=True)
    for colour in colours[np.argsort(counts)[-12:]]:
        assert (after[(before == colour).all(-1)] == colour).all()


def test_the_figures_of_the_project_are_light():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "figures"], cwd=paths.root(), capture_output=True, text=True, check=False
    )
    names = [name for name in listed.stdout.split("\0") if name]
    if not names:
        pytest.skip("the project is no git repository here")
    sizes = {name: (paths.root() / name).stat().st_size for name in names}
    moving = sizes.pop("figures/tracking.webp", 0)
    assert moving <= 1_000_000
    assert {name: size for name, size in sizes.items() if size > 400_000} == {}
    assert sum(sizes.values()) + moving <= 8_000_000
