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
# # 11 · What does it look like?  (Fig. 6)
#
# The paper's Fig. 6 shows frames in which SiamRPN++ drifts off and DLA-SiamRPN++ follows (a to c), and others in
# which SiamCAR fails and DLA-SiamCAR follows (d and e). Its text does not name the sequences. Such pictures show
# *how* trackers differ, and they are a choice: among a hundred sequences, some always favour either side.
#
# So here a rule chooses. All sequences are run and ranked by what the DLA tracker gains over its fixed twin, and the
# rows are taken from evenly spread ranks: the largest gain, the largest loss, and what lies between.
#
# **You will** see the boxes of both twins, a box that never moves and the annotation, and the IoU of each over time.
# **You need** nothing to download; the `demo` preset takes about a minute on two CPU cores.
#
# | preset | photographic sequences | with `data` |
# |---|---|---|
# | `smoke` | 3 of 10 frames, for tests | 3 sequences, evenly spread in the order of the set |
# | `demo` | 12 of 60 frames | 12 sequences |
# | `paper` | what is there: OTB100, real clips, or 40 of 120 frames | all |
#
# `data` is the name of a data set below `DLATRACK_DATA`, e.g. `otb100`; a folder of sequences in the OTB layout; or
# `auto`: OTB100 if it is there, else the clips of `DLATRACK_SHARED_DATA`, else photographic sequences. Pictures of
# real video belong to its owners: look at their licence before you publish the figure.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper
data: str = ""  # data set, folder, or auto; "": photographic sequences, in paper as auto
weights: str = ""  # a fixed tracker; its DLA twin; others; "": the SiamCAR twins that come with the package
rows: int = 3  # sequences to show
columns: int = 4  # frames of each
choose: str = "spread"  # spread: evenly | differ: where the twins differ most
device: str = "cpu"  # cpu | cuda
workers: int = 1  # processes that track
seed: int = 0  # of photographic sequences

# %%
from dlatrack.notebooks.run import check_injected
from dlatrack.studies import twins
from dlatrack.studies.qualitative import study_qualitative
from dlatrack.viz.qualitative import qualitative_figure
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

# %%
study = study_qualitative(
    preset,
    data=data,
    weights=weights,
    rows=rows,
    columns=columns,
    choose=choose,
    seed=seed,
    device=device,
    workers=workers,
)
parameters = {"preset": preset, "rows": rows, "columns": columns, **study.origin}
record = NotebookRecord("11_qualitative", parameters, imagery=study.imagery)
print(study.rule)

# %% tags=["fig06"]
figure = qualitative_figure(study)
record.keep(figure, "fig06", study.as_dict())

# %% [markdown]
# ## Pictures are no evidence
#
# What all sequences together say, and the score of each:

# %%
print(f"{study.title}:")
print(study.verdict)

# %% tags=["fig06_scores"]
table = twins.sequence_table(study.scores)
record.keep(table, "fig06_scores").round(3)
