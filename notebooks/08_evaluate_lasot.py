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
# # 08 · LaSOT: long sequences  (Fig. 8)
#
# 280 sequences of some 2,400 frames each, in which targets leave the view and return. Beside success, **normalised
# precision** measures the centre error in sides of the target, so that large targets are not at a disadvantage; the
# score is its value at 0.2.
#
# **You will** see our trackers with their fixed rule and with dynamic label assignment, and published trackers from
# their own result files.
# **You need** nothing to download: without LaSOT our trackers run over a **miniature** of its test set, five short
# synthetic videos in its official layout. About a minute on a laptop CPU.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: smoke uses the miniature, one pair of ours, two others
data: str = ""  # folder of LaSOT, or of several data sets, empty: DLATRACK_DATA, or the miniature
weights: str = ""  # weight files or names of shipped trackers, semicolons between them, empty: all shipped
protocol: str = "lasot_matlab"  # lasot_matlab | pysot | pysot_toolkit | got10k | pytracking
device: str = "cpu"  # cpu | cuda
workers: int = 1  # processes that track
seed: int = 0  # of the miniature and of the bootstrap

# %%
from IPython.display import display

from dlatrack.notebooks.run import check_injected
from dlatrack.studies.benchmark_tables import benchmark_table, paper_claims, twin_table, verdicts
from dlatrack.studies.benchmarks import missing_published, study_ours, study_published
from dlatrack.viz.benchmark import evaluation_plot
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

# %%
parameters = {"preset": preset, "protocol": protocol, "seed": seed}
ours = study_ours(
    "LaSOT",
    preset,
    weights=weights,
    data=data,
    protocol=protocol,
    seed=seed,
    device=device,
    workers=workers,
)
record = NotebookRecord("08_evaluate_lasot", {**parameters, **ours.origin}, imagery=ours.imagery)
print(f"{ours.title}: {len(ours.truth.sequences)} sequences, {len(ours.scores)} trackers")

# %% tags=["fig08_scores"]
table = benchmark_table(ours)
record.keep(table, "fig08_scores").round(3)

# %% [markdown]
# ## Fig. 8: success and normalised precision

# %% tags=["fig08_success"]
curves = {name: result.mean_success for name, result in ours.one_pass.items()}
figure = evaluation_plot("success", curves, protocol=protocol, benchmark=ours.title)
record.keep(figure, "fig08_success", curves)

# %% tags=["fig08_normalised_precision"]
curves = {name: result.mean_normalised_precision for name, result in ours.one_pass.items()}
figure = evaluation_plot("normalised precision", curves, protocol=protocol, benchmark=ours.title)
record.keep(figure, "fig08_normalised_precision", curves)

# %% [markdown]
# ## The fixed rule against DLA
#
# The interval comes from a paired bootstrap: sequences are drawn again, the same for both trackers.

# %% tags=["08_twins"]
table = twin_table(ours, seed=seed)
record.keep(table, "08_twins").round(3)

# %%
print(verdicts(ours, seed=seed))

# %% [markdown]
# ## Published trackers on the real LaSOT
#
# Scored here from their raw result files, 685,360 frames each, on the real annotation.

# %%
theirs = study_published("LaSOT", preset, protocol=protocol)
origin = theirs.origin if theirs else {"benchmark": "LaSOT"}
their_record = NotebookRecord("08_evaluate_lasot", {**parameters, **origin}, imagery="real")
if theirs is None:
    print(missing_published("LaSOT"))

# %% tags=["fig08_scores_published"]
if theirs is not None:
    table = benchmark_table(theirs)
    display(their_record.keep(table, "fig08_scores_published").round(3))

# %% tags=["fig08_success_published"]
if theirs is not None:
    curves = {name: result.mean_success for name, result in theirs.one_pass.items()}
    figure = evaluation_plot("success", curves, protocol=protocol, benchmark=theirs.title)
    display(their_record.keep(figure, "fig08_success_published", curves))

# %% tags=["fig08_normalised_precision_published"]
if theirs is not None:
    curves = {name: result.mean_normalised_precision for name, result in theirs.one_pass.items()}
    figure = evaluation_plot("normalised precision", curves, protocol=protocol, benchmark=theirs.title)
    display(their_record.keep(figure, "fig08_normalised_precision_published", curves))

# %% [markdown]
# ## What the paper says
#
# It prints no value of Fig. 8, only ranks.

# %%
paper_claims("SiamDLA Fig. 8")
