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
# # 06 · UAV123: seen from above  (Table 3)
#
# 123 sequences from drones: small targets, fast turns, targets that leave the view. Scored as OTB100. Toolkits treat
# frames without a box differently here, which moves the AUC of one tracker by up to two points; `protocol` says whose
# rules hold.
#
# **You will** see our trackers with their fixed rule and with dynamic label assignment, a published tracker from its
# own result files, and what the paper prints.
# **You need** nothing to download: without UAV123 our trackers run over a **miniature** of it, five short synthetic
# videos in its official layout. About a minute on a laptop CPU.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: smoke uses the miniature, one pair of ours, two others
data: str = ""  # folder of UAV123, or of several data sets, empty: DLATRACK_DATA, or the miniature
weights: str = ""  # weight files or names of shipped trackers, semicolons between them, empty: all shipped
protocol: str = "pysot"  # pysot | pysot_toolkit | got10k | pytracking | otb_matlab | lasot_matlab
device: str = "cpu"  # cpu | cuda
workers: int = 1  # processes that track
seed: int = 0  # of the miniature and of the bootstrap

# %%
from IPython.display import display

from dlatrack.notebooks.run import check_injected
from dlatrack.paper.published import scores_of
from dlatrack.studies.benchmark_tables import (
    attribute_scores,
    benchmark_table,
    paper_table,
    twin_table,
    verdicts,
)
from dlatrack.studies.benchmarks import missing_published, study_ours, study_published
from dlatrack.viz.attributes import attribute_bars
from dlatrack.viz.benchmark import evaluation_plot
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

# %%
parameters = {"preset": preset, "protocol": protocol, "seed": seed}
ours = study_ours(
    "UAV123",
    preset,
    weights=weights,
    data=data,
    protocol=protocol,
    seed=seed,
    device=device,
    workers=workers,
)
record = NotebookRecord("06_evaluate_uav123", {**parameters, **ours.origin}, imagery=ours.imagery)
print(f"{ours.title}: {len(ours.truth.sequences)} sequences, {len(ours.scores)} trackers")

# %% [markdown]
# ## Table 3: our trackers

# %% tags=["table03"]
table = benchmark_table(ours)
record.keep(table, "table03").round(3)

# %% tags=["06_success"]
curves = {name: result.mean_success for name, result in ours.one_pass.items()}
figure = evaluation_plot("success", curves, protocol=protocol, benchmark=ours.title)
record.keep(figure, "06_success", curves)

# %% [markdown]
# ## The fixed rule against DLA
#
# The interval comes from a paired bootstrap: sequences are drawn again, the same for both trackers.

# %% tags=["06_twins"]
table = twin_table(ours, seed=seed)
record.keep(table, "06_twins").round(3)

# %%
print(verdicts(ours, seed=seed))

# %% [markdown]
# ## A published tracker on the real UAV123
#
# Scored here from its raw result files, on the real annotation. Grey dashes are what the paper prints for others.

# %%
theirs = study_published("UAV123", preset, protocol=protocol)
origin = theirs.origin if theirs else {"benchmark": "UAV123"}
their_record = NotebookRecord("06_evaluate_uav123", {**parameters, **origin}, imagery="real")
if theirs is None:
    print(missing_published("UAV123"))

# %% tags=["06_success_published"]
if theirs is not None:
    curves = {name: result.mean_success for name, result in theirs.one_pass.items()}
    paper = scores_of("UAV123", "auc")
    figure = evaluation_plot("success", curves, paper=paper, protocol=protocol, benchmark=theirs.title)
    display(their_record.keep(figure, "06_success_published", {"measured": curves, "paper": paper}))

# %% [markdown]
# By attribute: SV: scale variation, ARC: aspect ratio change, LR: low resolution, FM: fast motion, FOC, POC: full,
# partial occlusion, OV: out of view, BC: background clutter, IV: illumination variation, VC: viewpoint change, CM:
# camera motion, SOB: similar object.

# %% tags=["06_attributes_published"]
if theirs is not None:
    scores, counts = attribute_scores(theirs)
    figure = attribute_bars(scores, counts, benchmark=theirs.title, protocol=protocol)
    display(their_record.keep(figure, "06_attributes_published", {"auc": scores, "sequences": counts}))

# %% [markdown]
# ## Table 3 as the paper prints it
#
# A column "result files" is ours, from published results.

# %% tags=["table03_paper"]
table = paper_table("UAV123", theirs)
their_record.keep(table, "table03_paper").style.format("{:.3f}", subset=table.columns[:-1], na_rep="")
