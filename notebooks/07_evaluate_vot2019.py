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
# # 07 · VOT2019: accuracy, robustness, expected average overlap  (Fig. 7a, b)
#
# Here a tracker that loses its target is restarted five frames later. **Accuracy** is the mean overlap
# while it tracks, **robustness** counts its failures, and the **expected average overlap** (EAO) joins both: the
# overlap to expect in a sequence of typical length. Targets are rotated boxes, compared as pixels.
#
# **You will** see our trackers with their fixed rule and with dynamic label assignment, and published trackers from
# their own result files.
# **You need** nothing to download: without VOT2019 our trackers run over a **miniature** of it, five synthetic videos
# of 50 frames in its official layout (10 in the preset smoke). Those are shorter than what VOT averages over, so that
# EAO looks at lengths of 25 to 50 frames instead of 46 to 291. About a minute.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: smoke uses the miniature, one pair of ours, two others
data: str = ""  # folder of VOT2019, or of several data sets, empty: DLATRACK_DATA, or the miniature
weights: str = ""  # weight files or names of shipped trackers, semicolons between them, empty: all shipped
protocol: str = "pysot"  # pysot | vot_toolkit
device: str = "cpu"  # cpu | cuda
workers: int = 1  # processes that track
seed: int = 0  # of the miniature and of the bootstrap

# %%
from IPython.display import display

from dlatrack.notebooks.run import check_injected
from dlatrack.studies.benchmark_tables import (
    benchmark_table,
    failures_per_100,
    paper_claims,
    twin_table,
    verdicts,
)
from dlatrack.studies.benchmarks import missing_published, study_ours, study_published
from dlatrack.viz.save import NotebookRecord
from dlatrack.viz.vot import ar_plot, eao_ranking

check_injected(globals())

# %%
parameters = {"preset": preset, "protocol": protocol, "seed": seed}
ours = study_ours(
    "VOT2019",
    preset,
    weights=weights,
    data=data,
    protocol=protocol,
    seed=seed,
    device=device,
    workers=workers,
)
record = NotebookRecord("07_evaluate_vot2019", {**parameters, **ours.origin}, imagery=ours.imagery)
print(f"{ours.title}: {len(ours.truth.sequences)} sequences, {len(ours.scores)} trackers")

# %% tags=["fig07_scores"]
table = benchmark_table(ours)
record.keep(table, "fig07_scores").round(3)

# %% [markdown]
# ## Fig. 7a: ranking by EAO

# %% tags=["fig07a"]
eao = {name: result.eao for name, result in ours.reset_based.items()}
figure = eao_ranking(eao, benchmark=ours.title, protocol=protocol)
record.keep(figure, "fig07a", eao)

# %% [markdown]
# ## Fig. 7b: accuracy and robustness
#
# To the right, a tracker survives longer; further up, its boxes are tighter.

# %% tags=["fig07b"]
points = {name: (result.accuracy, failures_per_100(result)) for name, result in ours.reset_based.items()}
figure = ar_plot(points, benchmark=ours.title, protocol=protocol)
record.keep(figure, "fig07b", points)

# %% [markdown]
# ## The fixed rule against DLA
#
# EAO is no mean over sequences: each draw of the bootstrap computes it again, for both trackers from the same
# sequences.

# %% tags=["07_twins"]
table = twin_table(ours, seed=seed)
record.keep(table, "07_twins").round(3)

# %%
print(verdicts(ours, seed=seed))

# %% [markdown]
# ## Published trackers on the real VOT2019
#
# Scored here from their raw result files, on the real annotation.

# %%
theirs = study_published("VOT2019", preset, protocol=protocol)
origin = theirs.origin if theirs else {"benchmark": "VOT2019"}
their_record = NotebookRecord("07_evaluate_vot2019", {**parameters, **origin}, imagery="real")
if theirs is None:
    print(missing_published("VOT2019"))

# %% tags=["fig07_scores_published"]
if theirs is not None:
    table = benchmark_table(theirs)
    display(their_record.keep(table, "fig07_scores_published").round(3))

# %% tags=["fig07a_published"]
if theirs is not None:
    eao = {name: result.eao for name, result in theirs.reset_based.items()}
    figure = eao_ranking(eao, benchmark=theirs.title, protocol=protocol)
    display(their_record.keep(figure, "fig07a_published", eao))

# %% tags=["fig07b_published"]
if theirs is not None:
    points = {
        name: (result.accuracy, failures_per_100(result)) for name, result in theirs.reset_based.items()
    }
    figure = ar_plot(points, benchmark=theirs.title, protocol=protocol)
    display(their_record.keep(figure, "fig07b_published", points))

# %% [markdown]
# ## What the paper says
#
# It prints no value of Fig. 7, only ranks among nine trackers and a gain.

# %%
paper_claims("SiamDLA Fig. 7a", "SiamDLA Fig. 7b")
