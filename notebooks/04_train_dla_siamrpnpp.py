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
# # 04 · Training DLA-SiamRPN++ and its fixed twin
#
# The same experiment as in notebook 03, with anchors. At each point of the score map stand five boxes of different
# shape. SiamRPN++ calls a box positive whose IoU with the target exceeds 0.6, 16 at most; dynamic label assignment
# takes all boxes of the nine nearest points and lets their own IoUs set the threshold. Network, initial weights,
# pairs and schedule are the same. One pair in five shows another object in the search region: from it both rules
# learn negatives alone.
#
# **You will** train both, watch their losses, and compare their success plots. **You need** nothing to download; the
# `demo` preset takes about three minutes on two CPU cores.
#
# | preset | network | training | data |
# |---|---|---|---|
# | `smoke` | MobileNetV3, nano | a few steps, for tests | photographic |
# | `demo` | MobileNetV3, nano | 3 epochs x 768 pairs; the shipped trunk stays as it is | photographic |
# | `paper` | ResNet-50 | 20 epochs x 600,000 pairs; warm-up; the backbone joins in the 11th epoch | yours, `data` |
#
# `data` names packs or official folders of training sets, e.g. `coco=PACKS/coco; lasot=PACKS/lasot`; all are mixed.
# `backbone_weights` says what the backbone starts from: `shipped`, the trunk that comes with the package, `imagenet`,
# `random`, or a file.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper
data: str = ""  # training sets, or a folder of sequences in the OTB layout; "": photographic ones
test_data: str = ""  # folder of held-out sequences in the OTB layout; "": photographic ones
backbone_weights: str = ""  # shipped | imagenet | random | a file; "": shipped, in paper imagenet
epochs: int = 0  # 0: the preset's
pairs_per_epoch: int = 0  # 0: the preset's
device: str = "cpu"  # cpu | cuda
workers: int = 0  # processes that prepare pairs; 0: the kernel itself
seed: int = 0  # weights, pairs, label draws and photographic sequences

# %%
import pandas as pd

from dlatrack.notebooks.run import check_injected
from dlatrack.studies import twins
from dlatrack.studies.presets import plan
from dlatrack.viz.curves import score_figure, twin_curves
from dlatrack.viz.filmstrip import filmstrip
from dlatrack.viz.live import LiveCurves
from dlatrack.viz.pairs import pair_sheet
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

parameters = {"preset": preset, "data": data, "test_data": test_data, "backbone_weights": backbone_weights}
parameters |= {"epochs": epochs, "pairs_per_epoch": pairs_per_epoch, "seed": seed}
record = NotebookRecord("04_train_dla_siamrpnpp", parameters, imagery=twins.imagery_of(test_data))
study = plan(preset, tracker="siamrpnpp", epochs=epochs, pairs_per_epoch=pairs_per_epoch)
study

# %% [markdown]
# ## Training pairs
#
# A template (127 px) and a search region (255 px) of the same object, shifted, stretched, recoloured and sometimes
# blurred; one search region in five shows another object. The label assigner turns the box into positives and
# negatives inside every step.

# %%
crops = twins.training_crops(study, data=data, seed=seed)
print(f"{len(crops)} crops of {crops.track_count} tracks" + ("" if data else ", all photographic"))
pair_sheet(crops, study.twins.dla, seed=seed)

# %% [markdown]
# ## Training

# %%
trained = twins.train_all(
    study.recipes,
    crops,
    seed=seed,
    device=device,
    backbone_weights=backbone_weights,
    workers=workers,
    on_step=LiveCurves(),
)
twins.save_trained(study.recipes, trained, crops, seed=seed, backbone_weights=backbone_weights)

# %% tags=["04_training"]
histories = {name: pd.DataFrame(run.steps) for name, run in trained.items()}
figure = twin_curves(histories, regression="L1 loss")
record.keep(
    figure,
    "04_training",
    {name: table.drop(columns="pairs_per_second").to_dict("list") for name, table in histories.items()},
    imagery=twins.imagery_of(data),
)

# %% [markdown]
# The losses of the two trackers are not comparable: each is measured on its own labels. Positives are counted over
# all pairs, and a fifth of them has none.
#
# ## Tracking held-out sequences
#
# Photographs of which no training has seen any, under the same simulated camera. The clips are of moderate
# difficulty: copies of the target, things in front of it and tiny targets are not drawn for them (a target may still
# shrink).

# %% tags=["04_scores"]
videos = twins.held_out_sequences(study, data=test_data, seed=seed)
boxes = twins.track_all(twins.trackers_of(study.recipes, trained, device=device), videos)
scores = twins.score_all(boxes, videos)
table = twins.score_table(scores)
record.keep(table, "04_scores").round(3)

# %% tags=["04_success"]
figure = score_figure(scores)
record.keep(
    figure,
    "04_success",
    {name: {"success": s.mean_success, "precision": s.mean_precision} for name, s in scores.items()},
)

# %% [markdown]
# ## What it looks like

# %% tags=["04_filmstrip"]
video = twins.median_sequence(videos, scores)
frames = [index * (len(video) - 1) // 7 for index in range(8)]
figure = filmstrip(video, {name: found[video.name] for name, found in boxes.items()}, frames)
record.keep(
    figure,
    "04_filmstrip",
    {"sequence": video.name, "frames": frames, **{n: b[video.name][frames] for n, b in boxes.items()}},
)

# %%
print(twins.training_verdict(scores, imagery=twins.imagery_of(test_data)))
