"""Commands of the README and of docs/commands.md work as they stand, and numbers are those of the figures."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from dlatrack import paths
from dlatrack.cli import main
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.datasets.video.writer import record
from dlatrack.models.siamese import build_model
from dlatrack.recipes import recipe

ROOT = paths.root()
README, COMMANDS_PAGE, NOTEBOOKS_PAGE, SPEED_PAGE, TRACKERS_PAGE = (
    (ROOT / name).read_text()
    for name in ("README.md", *(f"docs/{page}.md" for page in ("commands", "notebooks", "speed", "trackers")))
)
#: Commands that other tests run: they start a server, or take minutes.
ELSEWHERE = ("dlatrack lab", "dlatrack demo", "dlatrack figures")


def commands_of(page: str) -> list[str]:
    """Commands in the blocks of a page, without their comments."""
    blocks = re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]


COMMANDS = [
    command
    for command in commands_of(COMMANDS_PAGE)
    if command.startswith("dlatrack ")
    and (
        not command.startswith(ELSEWHERE) or "--only" in command or "--html" in command or "--list" in command
    )
]


def test_the_readme_is_short():
    assert len(README.split()) <= 700


def test_linked_files_exist():
    names = re.findall(r"\]\(([^)#]+)", README)
    names += re.findall(r"`((?:docs|notebooks|dlatrack)/[\w/.]*)`", README)
    for name in set(names):
        assert (ROOT / name).exists() or (ROOT / f"{name}.ipynb").exists(), name


def test_the_readmes_commands_are_among_those_that_are_tested():
    shown = [*commands_of(README), *re.findall(r"`(dlatrack [^`]+)`", README)]
    ours = [command for command in shown if command.startswith("dlatrack ")]
    assert len(ours) > 12
    assert [command for command in ours if command not in (*COMMANDS, *ELSEWHERE)] == []


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for command in (*commands_of(README), *commands_of(COMMANDS_PAGE)):
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE), command


def test_the_scores_shown_are_those_of_the_committed_table(committed_figures):
    rows = (committed_figures / "03_scores.csv").read_text().splitlines()[1:]
    for row in rows:
        name, auc = re.match(r'"?([^"]+?)"?,([\d.]+),', row).groups()
        assert re.search(rf"^  {re.escape(name)} +{float(auc):.3f}$", README, re.MULTILINE), name


def test_what_became_of_the_papers_numbers_is_the_ledgers_count(committed_figures):
    states = pd.read_csv(committed_figures / "00_ledger_states.csv", index_col=0).loc["all"]
    for page in (README, NOTEBOOKS_PAGE):
        text = " ".join(page.split())
        assert f"Of {states.sum()} results that it prints, {states['measured']} are measured here" in text
        others = (
            ("differs from published scores", "differ from them"),
            ("bounded by published scores", "are bounded by them"),
            ("undecided", "are undecided"),
        )
        for state, words in (
            *(others if page == NOTEBOOKS_PAGE else ()),
            ("agrees with published scores", "agree with published scores"),
            ("contradicted", "is contradicted"),
            ("reduced", "were measured on something smaller"),
            ("not attempted", "were not attempted"),
        ):
            assert f"{states[state]} {words}" in text


def test_the_table_of_small_trackers_is_the_measured_one(committed_figures):
    table = pd.read_csv(committed_figures / "small_trackers.csv")
    for name, auc, precision, synthetic, speed in table.itertuples(index=False):
        row = f"| {name} | {auc:.3f} | {precision:.3f} | {synthetic:.3f} | {speed:.0f} |".replace("nan", "")
        assert row in TRACKERS_PAGE, row
    verdicts = json.loads((committed_figures / "small_trackers.json").read_text())["parameters"]["verdicts"]
    text = " ".join(TRACKERS_PAGE.split())
    for verdict in verdicts:
        assert verdict in text, verdict
    assert len(verdicts) == 3
    assert all("is not distinguishable" in verdict for verdict in verdicts)
    assert "all three are not distinguishable from it" in " ".join(README.split())


def test_the_speeds_shown_are_those_of_the_committed_measurement(committed_figures):
    reports = json.loads((committed_figures / "bench.json").read_text())
    shown = re.findall(r"\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", SPEED_PAGE, re.MULTILINE)
    rows = {tuple(cells) for cells in shown}
    taken = [row for report in reports.values() for row in report["timings"]]
    measured = {tuple(three_digits(row[key]) for key in ("median", "low", "high")) for row in taken}
    assert len(rows) == 17
    assert rows <= measured, rows - measured


def three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def public_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights under the names of pysot."""
    state = {re.sub(r"^neck\.levels\.(\d)", r"neck.downsample\1.downsample", k): v for k, v in state.items()}
    state = {re.sub(r"^head\.levels\.(\d)", r"rpn_head.rpn\1", k): v for k, v in state.items()}
    return {re.sub(r"^head\.", "rpn_head.", k): v for k, v in state.items()}


@pytest.mark.slow
def test_the_commands_run_word_for_word(tmp_path, monkeypatch, capsys):
    """The first in a process of its own, as a shell starts it; the others here, which saves loading torch again."""
    clips = tmp_path / "CLIPS"
    for sequence in synthetic_sequences(2, seed=90, length=4, challenges=()):
        write_folder(sequence, clips)
    for name in ("FIGURES", "RUNS", "CACHE"):
        monkeypatch.setenv(f"DLATRACK_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    with record(tmp_path / "VIDEO.mp4", 25) as recording:
        for image in synthetic_sequences(1, seed=91, length=4, challenges=())[0].frames:
            recording.add(image)
    assert len(COMMANDS) == 28
    torch.save(public_names(build_model(recipe("siamrpnpp")).state_dict()), tmp_path / "CHECKPOINT.pth")
    done = subprocess.run(shlex.split(COMMANDS[0]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{COMMANDS[0]}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    threads = torch.get_num_threads()
    for command in COMMANDS[1:]:
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code, f"{command}\n{capsys.readouterr().err}"
        torch.set_num_threads(threads)


def test_the_python_example_runs():
    code = re.search(r"```python\n(.*?)```", COMMANDS_PAGE, re.DOTALL).group(1)
    video = synthetic_sequences(1, seed=90, length=2, challenges=())[0]
    lines: dict[str, object] = dict(zip("xywh", video.boxes_xywh[0], strict=True))
    lines |= {"first_frame_rgb": video.frames[0], "next_frame_rgb": video.frames[1]}
    exec(code, lines)
    assert lines["answer"].positive.sum() == 4
    assert abs(lines["box_xywh"] - video.boxes_xywh[1]).max() < 20
    assert 0 < lines["score"] <= 1
