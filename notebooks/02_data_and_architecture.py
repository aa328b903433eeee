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
# # 02 · What the networks are made of, and what they learn from
#
# A Siamese tracker sends a template and a search region through one **backbone**, brings the maps to one width in a
# **neck**, and compares them in a **head**. Dynamic label assignment touches none of it: it decides which cells of
# the score map are trained as target, so a DLA tracker and its fixed twin are the same network.
#
# **You will** see every network's parameters, counted from its modules, the size of every map, Table 1 beside the
# counts of the publishers and of your disk, and pairs as training sees them.
# **You need** nothing to download; about 20 s on a laptop CPU. With data sets at hand, name their folder.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: smoke checks the miniatures, else all the same here
tracker: str = "siamrpnpp"  # recipe whose maps are measured; an unknown name lists them all
data: str = (
    ""  # folder that holds the data sets; "": DLATRACK_DATA, or synthetic miniatures if that is not set
)
seed: int = 0  # of the pairs

# %%
from dlatrack import recipe
from dlatrack.notebooks.run import check_injected
from dlatrack.paper.architecture import network, parameter_table, shape_table
from dlatrack.paper.table1 import check_below, data_or_miniatures, table1
from dlatrack.sampling.mixture import PAPER_SHARES
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.training_data import open_mixture
from dlatrack.studies import twins
from dlatrack.studies.presets import plan, sizes
from dlatrack.viz.architecture import network_diagram
from dlatrack.viz.pairs import augmented_pairs
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

parameters = {"tracker": tracker}
record = NotebookRecord("02_data_and_architecture", {}, imagery="real")

# %% [markdown]
# ## Parameters
#
# The paper's Sec. 4.7 prints 5.58 M parameters for SiamCAR and 17.25 M for SiamRPN++. The last column has the paper's
# numbers, all others are counted here.
#
# - **5.58** is SiamCAR without its backbone, 5,856,775 parameters, in units of 2^20 = 1,048,576 and cut off after two
#   digits: what trains while the backbone is frozen. In millions it is 5.86.
# - **17.25** cannot be reproduced: by the same count the public SiamRPN++ has 8.42 million (8.03 in units of 2^20),
#   and 53.95 million with its backbone. The statement built on it, that SiamCAR is the smaller one, holds.
#
# SiamFC++'s backbone includes the 1x1 reduction to 256 channels (197,376 parameters), which trains from the start.
# NanoTrack V3 is not in the paper: a light SiamBAN with a hundredth of its parameters, whose public weights are free
# to download.

# %% tags=["02_parameters"]
counts = parameter_table()
record.keep(counts, "02_parameters")
counts.style.format("{:,.0f}", subset=["backbone", "neck", "head", "without backbone", "total"]).format(
    "{:.3f}", subset=["without backbone, 2^20"]
).format("{:.2f}", subset=["paper, M"], na_rep="")

# %% [markdown]
# ## Maps
#
# Channels x height x width at every step, of all levels. SiamFC++ and SiamRPN look at a larger search region when
# they track than when they train; NanoTrack V3 (`tracker="nanotrack_v3"`) has 15 x 15 cells, 16 px apart.

# %% tags=["02_shapes"]
shapes = shape_table(recipe(tracker))
record.keep(shapes, "02_shapes", parameters=parameters)

# %% [markdown]
# ## Figs. 2 and 3: the networks
#
# Drawn from the modules: sizes and numbers are measured, not typed. The paper's figures show the same networks.
# Labels are assigned in training alone, so that the tracker that runs is its fixed twin's, with other weights.

# %% tags=["fig02"]
drawn = network(recipe("dla_siamrpnpp"))
figure = network_diagram(drawn)
record.keep(figure, "fig02", drawn.numbers)

# %% tags=["fig03"]
drawn = network(recipe("dla_siamcar"))
figure = network_diagram(drawn)
record.keep(figure, "fig03", drawn.numbers)

# %% [markdown]
# ## Table 1: data sets
#
# `paper` is the text of the paper's Table 1. `published` is what the manifests in `data_manifests/` say; where
# `published_is` says "recalled", the number is widely printed but we have not verified it. `found` was counted on
# this machine, and `found_in` tells whether in a data set or in a synthetic miniature of its layout. A set with a
# fault is named here and is not trained on.

# %% tags=["table01"]
checks = check_below(data_or_miniatures(data, user_data=sizes(preset).user_data))
for check in checks:
    print(f"{check.name:14s} {'no fault' if check.ok else check.faults[0]}")
found = table1(checks)
imagery = "synthetic" if any(check.miniature for check in checks) else "real"
record.keep(found, "table01", parameters={"data": data}, imagery=imagery).style.format(
    na_rep="", thousands=","
)

# %% [markdown]
# ## Training pairs
#
# What the networks are given: search regions with the target's box, templates below. Where there are training sets,
# they take turns by their share of an epoch; else the pairs come from the photographs that the demo trains on. A
# negative pair shows another object than its template; its box is red and dashed.

# %% tags=["02_pairs"]
real = [check for check in checks if check.ok and not check.miniature]
sets = {check.name: check.root for check in real if check.name in PAPER_SHARES}
crops = open_mixture(sets) if sets else twins.training_crops(plan("smoke" if preset == "smoke" else "demo"))
source = PairSource(crops, recipe(tracker).sampling, recipe(tracker).net, seed)
figure = augmented_pairs(source)
record.keep(
    figure,
    "02_pairs",
    {"sets": sorted(sets), "crops": len(crops)},
    parameters=parameters | {"data": data, "seed": seed},
    imagery="real" if sets else "photographic",
)
