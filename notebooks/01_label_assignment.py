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
# # 01 · Which samples are positive?  (Fig. 1)
#
# A Siamese tracker learns from labelled samples: which points or anchors of the search region are *target*, which are
# *background*, and which are left out? Fixed rules answer with a shape or a number that is the same for every target.
# **Dynamic label assignment** (DLA) looks at the target first: it takes the K grid points nearest to its centre,
# measures how well their anchors overlap it, and draws the line at the mean plus one standard deviation.
#
# **You will** see one frame under all rules of the paper's Fig. 1, and count positives along a whole sequence.
# **You need** nothing to download; about 20 s on a laptop CPU.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: 6, 60 or all frames are counted
sequence: str = ""  # folder of a sequence in the OTB layout; "": a photographic one
frame: int = 40  # frame of the comparison
candidates: int = 9  # the paper's K: grid points that become candidates
seed: int = 0  # shifts of the search region, and the draw of negatives

# %%
from dlatrack import paths
from dlatrack.notebooks.run import check_injected
from dlatrack.studies.label_assignment import count_positives, paper_rules, search_regions, study_sequence
from dlatrack.studies.presets import frames_to_label
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass
from dlatrack.viz.assignment import compare_assignments, contact_sheet
from dlatrack.viz.curves import positives_plot
from dlatrack.viz.laboratory import explore, laboratory_sheet, write_page
from dlatrack.viz.moving import positives_and_track
from dlatrack.viz.player import show_page
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

parameters = {"preset": preset, "sequence": sequence, "frame": frame, "candidates": candidates, "seed": seed}
video = study_sequence(sequence)
record = NotebookRecord("01_label_assignment", parameters, imagery=video.imagery)
rules = paper_rules(candidates=candidates)
video.name, len(video), video.attributes

# %% [markdown]
# ## The laboratory
#
# Drag the box on the picture, choose two rules, their options and grids, go through the frames, and point at a sample
# to see why it is positive, negative or ignored. Rules that look at predictions ask a network that comes with the
# package. `explore(video, rules=(("ellipse", {}), ("dla_points", {})), grid=recipe("nanotrack_v3").grid)` opens it on
# the grid of NanoTrack V3, whose points are 16 px apart; `run="runs/..."` adds the snapshots of a training.
# It needs the kernel: in an exported page the next cell stays empty, and the one below it works.

# %%
compared = (("rectangle", {"center_ratio": 0.6}), ("dla_points", {"candidates": candidates}))
explore(video, rules=compared, frame=frame, seed=seed)

# %% [markdown]
# The same as a page for readers without a kernel, in which the geometric rules run; `dlatrack lab --html lab.html`
# writes it, too. The sheet below it stands still.

# %%
page = write_page(paths.runs_dir() / "laboratory.html", video, rules=compared, frame=frame, seed=seed)
show_page(page, height=900)

# %% tags=["01_laboratory"]
two = {name: rules[name] for name in ("SiamCAR: rectangle 0.4, trained", f"DLA, points, K = {candidates}")}
visible = [int(index) for index in video.visible.nonzero()[0]]
figure, numbers = laboratory_sheet(video, visible[:: max(1, len(visible) // 4)][:4], two, seed=seed)
record.keep(figure, "01_laboratory", numbers)

# %% [markdown]
# ## The same frame under every rule
#
# Green dots are positive, orange diamonds negative, small pale dots ignored; rings are the candidates of DLA. The
# panel beside each DLA picture shows the overlaps of its candidates and the threshold T that follows from them.
#
# SiamCAR's rectangle is drawn twice: with 0.6 of the sides of the box, as SiamDLA describes it, and with the 0.4 of
# the public code, with which our trackers are trained. Each rule labels the points of its own tracker's score map.

# %% tags=["fig01"]
region = search_regions(video, [frame], seed=seed)
figure = compare_assignments(region.crops_rgb[0], region.target_xyxy[0], rules, seed=seed, columns=4)
counts, _ = count_positives(region, rules, seed=seed)
record.keep(figure, "fig01", {"target_xyxy": region.target_xyxy[0], "positives": counts.iloc[0].to_dict()})

# %% [markdown]
# ## One fixed rule against DLA

# %% tags=["fixed_against_dla"]
figure = compare_assignments(region.crops_rgb[0], region.target_xyxy[0], two, seed=seed, columns=3)
record.keep(
    figure,
    "fixed_against_dla",
    {"target_xyxy": region.target_xyxy[0], "positives": counts[list(two)].iloc[0].to_dict()},
)

# %% [markdown]
# ## DLA along the sequence

# %%
frames = frames_to_label(preset, len(video))
regions = search_regions(video, frames, seed=seed)
shown = range(0, len(regions.frames), max(1, len(regions.frames) // 8))[:8]
figure = contact_sheet(
    [regions.crops_rgb[i] for i in shown],
    regions.target_xyxy[list(shown)],
    rules[f"DLA, points, K = {candidates}"],
    titles=[f"frame {regions.frames[i]}" for i in shown],
    seed=seed,
)
figure

# %% tags=["fig01_positives"]
counts, summary = count_positives(regions, rules, seed=seed)
figure = positives_plot(counts)
record.keep(figure, "fig01_positives", counts.reset_index().to_dict("list"))

# %% [markdown]
# A target that no sample satisfies (an elongated box can leave all candidates on one plateau of equal overlaps) is
# given its best candidate, so that no pair is trained without a positive; `on_empty="strict"` switches that off.

# %% tags=["fig01_counts"]
record.keep(summary, "fig01_counts").round(2)

# %% [markdown]
# ## Where a tracker looks
#
# Left the search region that DLA-NanoTrack V3, which comes with the package, cuts around its box of the frame before,
# with what DLA calls positive there; right the box that it answers. Labels need the true box, which a tracker does
# not have: they exist in training alone.

# %% tags=["tracking"]
tracked = run_one_pass(OnlineTracker.from_weights("dla_nanotrack_v3"), video)
moving = positives_and_track(
    video, rules[f"DLA, points, K = {candidates}"], tracked.boxes_xywh, "DLA-NanoTrack V3"
)
record.keep(moving, "tracking", {"boxes_xywh": tracked.boxes_xywh})
