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
# # 14 · How are labels chosen?
#
# A rule of label assignment decides which samples of a search region are trained as target. This notebook looks at
# what the rules choose, without training anything: how dynamic label assignment (DLA) depends on K and on its
# threshold, whether positives lie on the target, how far rules agree, and how the choice of a rule that looks at the
# network's predictions changes when the network is trained.
#
# **You will** compare the rules of the paper with six from object detection: ATSS, SimOTA, OTA, PAA, TAL and
# AutoAssign. **You need** nothing to download; the `demo` preset takes about three minutes on two CPU cores.
#
# | preset | simulated targets | videos of each kind | search regions of each video |
# |---|---|---|---|
# | `smoke` | 400 | 3 of 12 frames | 2 |
# | `demo` | 3,000 | 30 of 24 frames | 4 |
# | `paper` | 40,000 | 200 of 40 frames; the paper has no such experiment | 8 |

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper
footage: str = ""  # folder with video/ and stills/ for composed videos; "": DLATRACK_SHARED_DATA, or none
region: int = 43  # photographic search region of the last picture, from 0
seed: int = 0  # targets, videos, shifts, draws of rules and fresh weights

# %%
from dlatrack.imagery import least_real
from dlatrack.notebooks.run import check_injected
from dlatrack.paper import published
from dlatrack.studies import mask_purity, masked_regions, mechanism, trained_positives
from dlatrack.studies.presets import sizes
from dlatrack.viz.mask_purity import agreement_plot, purity_plot
from dlatrack.viz.mechanism import fixed_threshold_plot, growth_plot, threshold_plot
from dlatrack.viz.save import NotebookRecord
from dlatrack.viz.trained_positives import trained_positives_picture

check_injected(globals())

targets = mechanism.mechanism_targets(preset, seed=seed)
counted_with = {"preset": preset, "targets": sizes(preset).k_targets, "seed": seed}
counted = NotebookRecord("14_how_labels_are_chosen", counted_with, imagery="synthetic")

# %% [markdown]
# ## Positives over K, for points and for anchors
#
# The paper's Fig. 9 counts the positives of DLA-SiamCAR, which has one point per cell: they stay between 3 and 4,
# and its conclusion says "about three" (the grey dashes). It gives no such count for DLA-SiamRPN++, whose cells have
# five anchors each, all of which become candidates with their point.
#
# Counted on simulated targets: their ln(w / h) is normal, with the mean and deviation of LaSOT's boxes, or as a wider
# mix. No network is needed, because DLA looks at the target alone.

# %% tags=["14_positives_over_k", "14_positives_over_k_table"]
counts = mechanism.positives_by_head(targets)
figure = growth_plot(counts, paper=published.FIGURE9_CONCLUDED)
counted.keep(counts, "14_positives_over_k_table")
shown = {"counts": counts.to_dict("list"), "paper, K = 9": published.FIGURE9_CONCLUDED}
counted.keep(figure, "14_positives_over_k", shown, vectors=False)

# %%
mechanism.growth(counts).round(3)

# %% [markdown]
# **With anchors the number of positives grows linearly with K**: from 4.8 at K = 5 to 18.6 at K = 23, by about 0.77
# for every further point, for either mix of shapes. "About three" holds for points alone, where it grows from 2.3 to
# 4.1 in the same range; even so the number that a single target gets varies: at K = 9 from one to nine.
#
# The share of candidates says why. Of anchors, a fifth passes mean + standard deviation at K = 5 and still a sixth at
# K = 23, because five shapes spread the overlaps. Of points it falls from a half to a sixth: the candidates of an
# elongated target share one largest overlap, and the more of them there are, the fewer pass.
#
# This counts labels. It does not say that a tracker is better or worse for it; notebook 09 trains with several K.
#
# ## The threshold T
#
# T = mean + standard deviation of the candidates' overlaps, K = 9.

# %% tags=["14_thresholds", "14_thresholds_table"]
found = mechanism.dynamic_thresholds(targets)
table = mechanism.threshold_table(found)
counted.keep(table, "14_thresholds_table")
shares = {f"{head}, {mix}": mechanism.threshold_shares(found[mix, head]) for mix, head in found}
shown = {"edges": mechanism.BINS, "targets in %": shares}
counted.keep(threshold_plot(found), "14_thresholds", shown, vectors=False)

# %%
table.set_index(["mix", "head"]).round(3)

# %% [markdown]
# **With anchors T is nearly a constant**: for nine targets in ten with LaSOT's shapes it lies between 0.58 and 0.65,
# because some anchor of the five fits any shape. With one square box for each point T follows the shape of the target
# from 0.38 to 0.80.
#
# ## Against fixed thresholds
#
# A fixed rule asks for an overlap above a number, here of all samples and without a cap. The paper's case for a
# dynamic threshold is that a fixed one is sensitive. The diamonds are DLA, at the median of its T.

# %% tags=["14_fixed_thresholds", "14_fixed_thresholds_table"]
mix = mechanism.SHAPES_OF_TARGETS[0]
table = mechanism.fixed_thresholds(targets[mix])
figure = fixed_threshold_plot(table)
counted.keep(table, "14_fixed_thresholds_table")
counted.keep(figure, "14_fixed_thresholds", {"mix": mix, "table": table.to_dict("list")}, vectors=False)

# %%
print("threshold with as many positives as DLA:", mechanism.equal_threshold(table))
table.set_index(["head", "rule", "threshold"]).round(3)

# %% [markdown]
# - A fixed threshold is sensitive indeed: from 0.5 to 0.7 positives fall to an eighth with points, and to a tenth
#   with anchors.
# - **With anchors a fixed 0.63 chooses nearly what DLA chooses**: as many samples, and nine in ten the same ones.
# - With points no fixed threshold does. Where it has as many positives, two thirds of them are others, and four
#   targets in ten have none; DLA leaves three in ten unsatisfied, and then takes the best candidate.
#
# ## Do positives lie on the target?
#
# The box of a target holds background too. Photographic, synthetic and composed videos know their targets by the
# pixel, so that the share of positives on a visible pixel of the target, the **purity**, can be measured. Search
# regions and masks are cut with the same windows, shifted and stretched as in training.
#
# Rules that look at predictions see those of trackers that come with the package: `siamcar_small` for points,
# `siamrpnpp_small` for anchors. Composed videos are made of real clips with masks, if there is such a folder.

# %%
videos = masked_regions.masked_videos(preset, footage=footage, seed=seed)
most = sizes(preset).masked[2]
regions = {kind: masked_regions.masked_regions(found, most, seed=seed) for kind, found in videos.items()}
answers = {kind: masked_regions.shipped_predictions(one) for kind, one in regions.items()}
chosen = {kind: mask_purity.choose(regions[kind], answers[kind], seed=seed) for kind in regions}
imagery = least_real(video.imagery for kind in videos.values() for video in kind)
measured_with = {"preset": preset, "videos": {kind: len(found) for kind, found in videos.items()}}
measured_with |= {"regions of each": most, "trackers": masked_regions.TRACKERS, "seed": seed}
measured = NotebookRecord("14_how_labels_are_chosen", measured_with, imagery=imagery)

# %% tags=["14_purity", "14_purity_table"]
tables = {kind: mask_purity.purity_table(regions[kind], chosen[kind], seed=seed) for kind in regions}
purity = mask_purity.joined(tables).round(4)
measured.keep(purity, "14_purity_table")
figure = purity_plot(tables, predictions=" and ".join(masked_regions.TRACKERS.values()))
measured.keep(figure, "14_purity", purity.to_dict("list"), vectors=False)

# %%
purity.set_index(["video", "head", "rule"])[["purity", "low", "high", "less DLA", "positives"]].round(3)

# %% [markdown]
# - Of the points in a box, 37 to 52 % lie beside its target or under what covers it: the whole box is the least pure
#   rule. AutoAssign begins with the same points, and its centre prior (the crosses) leaves most of these out.
# - All rules that prefer the middle, fixed or not, are about equally pure: 72 to 91 %, with intervals of 8 to 27
#   points. DLA with points has a fifth of the positives of a circle or an ellipse, and is not distinguishable from
#   either in purity.
# - With anchors OTA is purer than DLA on all three kinds of video, by 3 to 5 points, and has twice as many positives.
#
# The trackers whose predictions are used were trained on clips of the kind that composed videos are made of, so that
# these may flatter the rules that look at predictions; photographs and synthetic videos are held out.
#
# `less DLA` compares a rule with DLA on the same videos; its interval is in the table. There are many comparisons,
# and they are not corrected for that. Few positives are easily pure, and purity is not the score of a tracker.
#
# ## How far do rules agree?
#
# Of the positives of the rule in a row, so many are positive by the rule in a column as well; photographic videos.

# %% tags=["14_agreement", "14_agreement_table"]
agreement = {head: mask_purity.agreement(rules) for head, rules in chosen["photographic"].items()}
pairs = mask_purity.agreement_pairs(agreement)
measured.keep(pairs, "14_agreement_table", imagery="photographic")
shown = {head: table.reset_index().to_dict("list") for head, table in agreement.items()}
figure = agreement_plot(agreement, predictions=masked_regions.TRACKERS)
measured.keep(figure, "14_agreement", shown, imagery="photographic", vectors=False)

# %% [markdown]
# - With points, nine in ten or more of DLA's positives are among those of the fixed regions, OTA, TAL and AutoAssign:
#   these rules agree on the middle, and differ in how far they reach. SimOTA has two thirds of them and PAA, which
#   takes about three samples of its own choice, a third.
# - With anchors 99 % of DLA's positives have an IoU above 0.6 as well, as the fixed threshold above has it.
# - ATSS, from which DLA comes, has the same points but for the targets that nobody satisfies, where DLA takes the
#   best candidate. With anchors it counts nine of them and DLA those of nine points, so that it has a quarter of
#   DLA's positives.
#
# ## From an untrained to a trained network
#
# A rule that looks at predictions changes its choice in the course of a training. Here is where it begins and where
# it ends: the shipped trackers, and the same networks at the first step of their training (a trained backbone, neck
# and head with fresh weights), in the search regions of the photographic videos. `stays` is the share of the first
# positives that are positive at the end; one seed of the fresh weights.

# %% tags=["14_trained_positives_table"]
networks = trained_positives.answers(regions["photographic"], seed=seed)
table = trained_positives.movement_table(regions["photographic"], networks).round(4)
moved_with = {"preset": preset, "regions": len(regions["photographic"].video), "seed": seed}
moved = NotebookRecord("14_how_labels_are_chosen", moved_with, imagery="photographic")
moved.keep(table, "14_trained_positives_table")
table.set_index(["tracker", "rule", "network"]).round(3)

# %% [markdown]
# - Purity hardly moves with points: a rule that looks at the boxes of such a start chooses the middle anyway.
# - With points the first boxes have the size of a usual target, and a choice by overlap begins near the middle as it
#   ends: OTA keeps 88 % of its positives, SimOTA 62 % and PAA 23 % with SiamCAR small. SimOTA and OTA take more as
#   the boxes get better, because they count the sum of overlaps.
# - With anchors the first boxes are anything, and hardly any positive stays. PAA and TAL begin far from the middle,
#   with a third and two thirds of their positives on the target. Public code of TAL trains its first four epochs with
#   ATSS.
# - AutoAssign keeps its points, all of those in the box.
#
# One search region, chosen because a part of its target is covered, so that the movement can be seen: here the share
# on the target rises for all four rules. That is not the mean of the table above, where it stays nearly the same.

# %% tags=["14_trained_positives"]
place = min(region, len(regions["photographic"].video) - 1)
rules = ["SimOTA", "OTA", "PAA", "TAL"]
figure = trained_positives_picture(regions["photographic"], networks[0], rules, index=place)
shown = trained_positives.pictured(regions["photographic"], networks[0], rules, place)
moved.keep(figure, "14_trained_positives", shown, parameters=moved_with | {"region": place})
