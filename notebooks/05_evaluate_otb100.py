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
# # 05 · OTB100: success, precision, attributes  (Figs. 4 and 5, Table 2)
#
# One-pass evaluation: a tracker is given the target's box in the first frame and follows it to the end. **Success**
# is the share of frames whose overlap (IoU) exceeds a threshold, and the area under its curve (AUC) the score;
# **precision** is the share of frames whose centre error is at most 20 px.
#
# **You will** see our trackers with their fixed rule and with dynamic label assignment, published trackers from their
# own result files, and what the paper prints. The three never share axes or a column.
# **You need** nothing to download: without OTB100 our trackers run over a **miniature** of it, nine short synthetic
# videos in its official layout, which show the way and not how good a tracker is. About two minutes on a laptop CPU.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: smoke uses the miniature, one pair of ours, two others
data: str = ""  # folder of OTB100, or of several data sets, empty: DLATRACK_DATA, or the miniature
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
    paper_claims,
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
    "OTB100",
    preset,
    weights=weights,
    data=data,
    protocol=protocol,
    seed=seed,
    device=device,
    workers=workers,
)
record = NotebookRecord("05_evaluate_otb100", {**parameters, **ours.origin}, imagery=ours.imagery)
print(f"{ours.title}: {len(ours.truth.sequences)} sequences, {len(ours.scores)} trackers")

# %% tags=["fig04_scores"]
table = benchmark_table(ours)
record.keep(table, "fig04_scores").round(3)

# %% [markdown]
# ## Fig. 4: success and precision

# %% tags=["fig04_success"]
curves = {name: result.mean_success for name, result in ours.one_pass.items()}
figure = evaluation_plot("success", curves, protocol=protocol, benchmark=ours.title)
record.keep(figure, "fig04_success", curves)

# %% tags=["fig04_precision"]
curves = {name: result.mean_precision for name, result in ours.one_pass.items()}
figure = evaluation_plot("precision", curves, protocol=protocol, benchmark=ours.title)
record.keep(figure, "fig04_precision", curves)

# %% [markdown]
# ## Fig. 5: success by attribute
#
# A sequence has several attributes, so that the groups overlap. Attributes of few sequences say little.
#
# IV: illumination variation, SV: scale variation, OCC: occlusion, DEF: deformation, MB: motion blur, FM: fast motion,
# IPR, OPR: in-plane, out-of-plane rotation, OV: out of view, BC: background clutter, LR: low resolution.

# %% tags=["fig05"]
scores, counts = attribute_scores(ours)
figure = attribute_bars(scores, counts, benchmark=ours.title, protocol=protocol)
record.keep(figure, "fig05", {"auc": scores, "sequences": counts})

# %% [markdown]
# ## Table 2: the fixed rule against DLA
#
# The interval comes from a paired bootstrap: sequences are drawn again, the same for both trackers.

# %% tags=["table02"]
table = twin_table(ours, seed=seed)
record.keep(table, "table02").round(3)

# %%
print(verdicts(ours, seed=seed))

# %% [markdown]
# ## Published trackers on the real OTB100
#
# Scored here from the raw result files that their authors or others made public, on the real annotation. What the
# paper prints stands beside the curves as grey dashes: a score has no curve.

# %%
theirs = study_published("OTB100", preset, protocol=protocol)
origin = theirs.origin if theirs else {"benchmark": "OTB100"}
their_record = NotebookRecord("05_evaluate_otb100", {**parameters, **origin}, imagery="real")
if theirs is None:
    print(missing_published("OTB100"))

# %% tags=["fig04_success_published"]
if theirs is not None:
    curves = {name: result.mean_success for name, result in theirs.one_pass.items()}
    paper = scores_of("OTB100", "auc")
    figure = evaluation_plot("success", curves, paper=paper, protocol=protocol, benchmark=theirs.title)
    display(their_record.keep(figure, "fig04_success_published", {"measured": curves, "paper": paper}))

# %% tags=["fig04_precision_published"]
if theirs is not None:
    curves = {name: result.mean_precision for name, result in theirs.one_pass.items()}
    paper = scores_of("OTB100", "precision")
    figure = evaluation_plot("precision", curves, paper=paper, protocol=protocol, benchmark=theirs.title)
    display(their_record.keep(figure, "fig04_precision_published", {"measured": curves, "paper": paper}))

# %% tags=["fig05_published"]
if theirs is not None:
    scores, counts = attribute_scores(theirs)
    figure = attribute_bars(scores, counts, benchmark=theirs.title, protocol=protocol)
    display(their_record.keep(figure, "fig05_published", {"auc": scores, "sequences": counts}))

# %% [markdown]
# ## What the paper prints
#
# Table 2 prints success (AUC) and precision; of Figs. 4 and 5 the text prints ranks and gains alone. A column
# "result files" is ours, from published results of the same tracker.

# %% tags=["table02_paper"]
table = paper_table("OTB100", theirs)
their_record.keep(table, "table02_paper").style.format("{:.3f}", subset=table.columns[:-1], na_rep="")

# %%
paper_claims("SiamDLA Table 2", "SiamDLA Fig. 4", "SiamDLA Fig. 5")
