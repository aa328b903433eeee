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
# # 00 · The paper at a glance
#
# Which samples of the search region is a Siamese tracker trained to call target? SiamDLA's answer, in three lines:
#
# 1. The K grid points nearest to the target's centre take all their anchors, or one 64 x 64 box each.
# 2. Those whose overlap with the target reaches T = mean + standard deviation of these overlaps, with their centre in
#    the target, are positive.
# 3. Negatives are drawn 4 : 1 from the rest, and what remains is ignored. It acts in training alone.
#
# **You will** see every result of the paper, what was measured or published on it, and the record that says how;
# then its settings beside ours, and where it disagrees with itself.
# **You need** nothing to download; a few seconds. Nothing is measured here: this notebook reads what the others left
# beside the figures, and shows no value of ours without its record.
#
# - **The method**: [01 label assignment](01_label_assignment.ipynb) ·
#   [02 data and architecture](02_data_and_architecture.ipynb)
# - **Training**: [03 DLA-SiamCAR](03_train_dla_siamcar.ipynb) · [04 DLA-SiamRPN++](04_train_dla_siamrpnpp.ipynb)
# - **Benchmarks**: [05 OTB100](05_evaluate_otb100.ipynb) · [06 UAV123](06_evaluate_uav123.ipynb) ·
#   [07 VOT2019](07_evaluate_vot2019.ipynb) · [08 LaSOT](08_evaluate_lasot.ipynb)
# - **Studies**: [09 the number K](09_hyperparameter_k.ipynb) · [10 cost](10_training_cost.ipynb) ·
#   [11 pictures](11_qualitative.ipynb) · [13 is it better?](13_is_it_better.ipynb) ·
#   [14 how are labels chosen?](14_how_labels_are_chosen.ipynb) · [15 lost or not?](15_lost_or_not.ipynb)
# - **Your own video**: [12 track your video](12_track_your_video.ipynb)
# - **Pages**: [what the paper leaves open](../docs/decisions.md) ·
#   [where it disagrees](../docs/inconsistencies.md) · [all figures](../figures/README.md)

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: all the same here, it shows what the other notebooks left
everything: bool = False  # also list the results of which nothing is known here

# %%
from IPython.display import Markdown

from dlatrack import paths
from dlatrack.ledger.findings import findings
from dlatrack.ledger.ledger import STATES, ledger, sources, summary
from dlatrack.ledger.ledger_text import ledger_markdown, readable
from dlatrack.notebooks.run import check_injected
from dlatrack.paper.inconsistencies import inconsistencies_markdown
from dlatrack.paper.settings import settings_table
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

# %%
book = ledger()
record = NotebookRecord(
    "00_paper_at_a_glance",
    {"records": sources(book)},
    imagery="real",  # each row of the evidence says so for itself
)
print(f"{len(book.claims)} results, {len(book.evidence)} pieces of evidence; our records are those in:")
print(*paths.figure_sources(), sep="\n")

# %% [markdown]
# ## What became of the paper's numbers
#
# - **measured**: the same quantity, counted or scored here, and it does not exclude the paper's number.
# - **agrees with published scores**, or **differs from** them: what the tracker's authors or others print, or what
#   their public result files score. Where some agree and some differ, the claim counts as one that agrees, and both
#   are shown.
# - **bounded by published scores**: a rank that these scores allow, with other ranks beside it.
# - **undecided**: counted here or scored by others, and what would decide is not known, such as what is counted.
# - **contradicted**: the same quantity, and it excludes the paper's number.
# - **reduced**: measured on a smaller thing alone, that is small networks, miniature, photographic or synthetic
#   video, or a CPU. It shows the way, and neither supports nor excludes what the paper prints: the two must not be
#   subtracted.
# - **not attempted**: no record has it, and the notebook that would measure it is named.

# %% tags=["00_ledger_states"]
states = summary(book.claims)
record.keep(states, "00_ledger_states")

# %% [markdown]
# ## The claims ledger
#
# In bold what the paper prints, with our value of the same quantity where there is one. Below each claim is the
# evidence on it, the strongest first, whichever way it points: published scores, the declared study, real clips,
# photographic videos, miniatures, simulations. In brackets are the ends of the 95 % interval where there is one. Each
# row links to its record, which says who made it with which parameters. Claims and evidence, with protocols, are
# saved beside the figures as `00_ledger.csv` and `00_ledger_evidence.csv`.

# %% tags=["00_ledger", "00_ledger_evidence"]
record.keep(readable(book.claims), "00_ledger")
record.keep(readable(book.evidence), "00_ledger_evidence")
Markdown(ledger_markdown(book, STATES if everything else STATES[:-1]))

# %% [markdown]
# ## Contradicted, or different elsewhere
#
# More in [where the paper disagrees](../docs/inconsistencies.md).

# %%
against = ["contradicted", "differs from published scores"]
columns = ["where", "tracker", "data set", "metric", "paper", "state", "ours", "remark", "record"]
readable(book.claims[book.claims["state"].isin(against)])[columns].style.hide()

# %% [markdown]
# ## Beyond the paper's numbers
#
# What was found here on the way, with the record that has the numbers. Targets are simulated, shapes as in LaSOT.

# %% tags=["00_findings"]
found = findings()
record.keep(found, "00_findings", parameters={}, imagery="synthetic").style.hide()

# %% [markdown]
# ## Settings
#
# What the paper says of its method and training is no result: recipes take it over, or say why not.

# %% tags=["00_ledger_settings"]
settings = settings_table()
record.keep(settings, "00_ledger_settings", parameters={}).style.hide()

# %% [markdown]
# ## Where the paper disagrees
#
# With itself, with the public code it builds on, or with public result files; and what is done here.

# %%
Markdown(inconsistencies_markdown())
