# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     notebook_metadata_filter: kernelspec,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 · Track your own video
#
# **You will** choose a target in the first frame of a video, track it with one of the trackers that come with the
# package, and look at the boxes and scores. **You need** nothing to download: without a video of yours, one
# of photographs under a simulated camera is rendered to a file; about 20 s on a laptop CPU.
#
# | preset | photographic video |
# |---|---|
# | `smoke` | 12 frames of 320 x 240 px, for tests |
# | `demo` | 150 frames of 640 x 360 px |
# | `paper` | 300 frames; the paper tracks no video of yours |
#
# A `video` of yours, any file that OpenCV reads or a folder of images, is tracked from end to end in every preset.
# Everything is written to `runs/12_track_your_video/`, and nothing into the folder of figures. Without a notebook
# the same is one command: `dlatrack track VIDEO --box 120,80,60,45 --out out.mp4`. It follows a camera or a stream,
# too: `docs/deploy_streams.md`.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: length of the photographic video
video: str = ""  # video file, or folder of images; "": a photographic video
box: str = ""  # x,y,w,h of the target in the first frame, px from 0; several with ; between; "": the picker's
weights: str = "dla_nanotrack_v3"  # tracker that comes with the package, or a weight file
device: str = "cpu"  # cpu | cuda
seed: int = 0  # of the photographic video

# %%
import pandas as pd

from dlatrack.notebooks.run import check_injected
from dlatrack.studies.video import track_file
from dlatrack.studies.video_choice import choose_video
from dlatrack.viz.picker import pick_boxes
from dlatrack.viz.player import show_video
from dlatrack.viz.save import NotebookRecord
from dlatrack.viz.video import score_plot, video_player, video_strip

check_injected(globals())

chosen = choose_video(preset, video, box, seed=seed)
print(chosen.note)

# %% [markdown]
# ## What to track
#
# Drag the box on the picture, draw another one beside it, or type them; then run the cells below again. A headless
# run tracks the box of the parameter `box`.

# %%
picker = pick_boxes(chosen.path, chosen.boxes_xywh)
picker

# %% [markdown]
# ## Track it
#
# The tracker sees each frame once and never looks back. Several targets are tracked in the same pass, each with its
# colour and number. Boxes given as text do the same without the picker: `track_file(video, "120,80,60,45", out)`.

# %%
out = chosen.folder / "tracked.mp4"
tracked = track_file(chosen.path, picker.boxes_xywh, out, weights=weights, device=device)
print(tracked.summary)

# %% tags=["frames"]
parameters = {"preset": preset, "video": chosen.path.name, "weights": weights, "seed": seed}
parameters |= {"boxes_xywh": [target.tolist() for target in picker.boxes_xywh]}
record = NotebookRecord("12_track_your_video", parameters, imagery=chosen.imagery, folder=chosen.folder)
figure = video_strip(out, tracked.track)
record.keep(figure, "frames", {"boxes_xywh": tracked.track.boxes_xywh})

# %% [markdown]
# ## How sure it was
#
# The score is the probability that the place which was found shows the target. It is no measure of the box, and no
# alarm: a tracker that has lost its target is often sure of another thing. NanoTrack and SiamRPN++ also learn from
# pairs that do not show their target, SiamCAR does not: compare `siamcar_small`. Where the truth is known, the grey
# line says how well the box lay; it is broken where the target cannot be seen.

# %% tags=["scores"]
iou = None if chosen.truth_xywh is None else tracked.iou(chosen.truth_xywh)
figure = score_plot(tracked.track, iou=iou)
record.keep(figure, "scores", {"scores": tracked.track.scores, "iou": [] if iou is None else iou})

# %% [markdown]
# ## Play it
#
# The video is H.264, which browsers play. Beside it lies a page of pictures with the numbers of each frame:
# `tracked.html` opens anywhere, offline. It is shown here where the video is too large for a notebook.

# %%
page = video_player(
    chosen.folder / "tracked.html", out, tracked.track, fps=tracked.fps, imagery=chosen.imagery
)
show_video(out, page)

# %% [markdown]
# ## The numbers
#
# One row for each target in each frame. Frames and px count from 0, targets from 1, and x, y is the top left
# corner.

# %%
pd.read_csv(tracked.table).tail()
