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
# **You will** see every result that the paper prints, what was measured of it here, and the record that says how;
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
everything: bool = False  # also list the numbers of which nothing was measured

# %%
from IPython.display import Markdown

from dlatrack import paths
from dlatrack.ledger import ledger as book
from dlatrack.ledger.findings import findings
from dlatrack.notebooks.run import check_injected
from dlatrack.paper.inconsistencies import inconsistencies_markdown
from dlatrack.paper.settings import settings_table
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

ledger = book.ledger()
record = NotebookRecord(
    "00_paper_at_a_glance",
    {"records": book.sources(ledger)},
    imagery="real",  # each row of the ledger says so for itself
)
print(f"{len(ledger)} results that the paper prints; our records are those in:")
print(*paths.figure_sources(), sep="\n")

# %% [markdown]
# ## What became of the paper's numbers
#
# - **measured**: the same quantity, counted or scored here, and it does not exclude the paper's number.
# - **contradicted**: the same quantity, and it excludes the paper's number.
# - **reduced**: measured on a smaller thing, that is small networks, miniature, photographic or synthetic video, or a
#   CPU. It shows the way, and neither supports nor excludes what the paper prints: the two must not be subtracted.
# - **not attempted**: no record has it. The notebook that would measure it stands under `remark`.

# %% tags=["00_ledger_states"]
states = book.summary(ledger)
record.keep(states, "00_ledger_states")

# %% [markdown]
# ## The claims ledger
#
# Left of our value what the paper prints, as text; in brackets the ends of the 95 % interval where there is one. The
# names in the last column are those of files beside the figures: `NAME.json` says who made it with which parameters.
# The whole ledger, with protocols, is saved beside the figures as `00_ledger.csv`.

# %% tags=["00_ledger"]
record.keep(book.readable(ledger), "00_ledger")
shown = book.STATES if everything else book.STATES[:-1]
Markdown(book.ledger_markdown(ledger, shown))

# %% [markdown]
# ## Contradicted
#
# What each of these values is. More in [where the paper disagrees](../docs/inconsistencies.md).

# %%
contradicted = ledger[ledger["state"] == "contradicted"]
columns = ["where", "tracker", "data set", "metric", "paper", "ours", "remark", "record"]
book.readable(contradicted)[columns].style.hide()

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
