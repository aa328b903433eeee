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
# # 13 · Is it better?
#
# On OTB100 the paper prints gains of 0.002 to 0.025 in AUC for dynamic label assignment. A difference that small
# can come from the rule, from the choice of videos, from the seed of the training, from half a pixel of the first
# box, or from a detail that the paper leaves open. A study that was declared before it ran asks which of them it
# is, for small trackers. After it, each of these sources of doubt is looked at by itself.
#
# **You will** read the study, see the difference of the shipped trackers on every target and how many targets
# would settle it, train twins with several seeds, and count what each open choice changes in the labels. **You
# need** nothing to download; the `demo` preset takes about five minutes on two CPU cores. The study itself took
# many hours and is shown from its committed scores.
#
# | preset | seeds | training, each | held-out videos | labelled targets |
# |---|---|---|---|---|
# | `smoke` | 2 | a few steps, for tests | 2 of 12 frames | 400 |
# | `demo` | 3 | **reduced**: small network, 3 epochs x 384 pairs | 12 of 40 frames | 4,000 |
# | `paper` | 3 | ResNet-50, 20 epochs x 600,000 pairs of `data` | 40 of 200 frames, or `test_data` | 40,000 |

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper
tracker: str = "siamcar"  # twins that are trained: siamcar | siamrpnpp | siamfcpp | cosiamrpn
seeds: int = 0  # trainings of each twin, at least 2; 0: the preset's
clips: str = (
    ""  # folder in the OTB layout to run the shipped trackers over; "": the record of a run over real clips
)
sequence: str = ""  # sequence folder in the OTB layout whose frames are labelled; "": a photographic one
data: str = ""  # training sets, or a folder of sequences in the OTB layout; "": photographic ones
test_data: str = ""  # folder of held-out sequences in the OTB layout; "": photographic ones
backbone_weights: str = ""  # shipped | imagenet | random | a file; "": as the recipe says
device: str = "cpu"  # cpu | cuda
workers: int = 0  # processes that prepare pairs; 0: the kernel itself
seed: int = 0  # the first of the seeds; also of resamples, targets and photographic sequences

# %%
from dlatrack.evaluation.statistics.twins import verdict
from dlatrack.notebooks.run import check_injected
from dlatrack.studies import decisions, label_assignment, power, twins
from dlatrack.studies import seeds as training
from dlatrack.studies.declared.declaration import read_declaration
from dlatrack.studies.declared.tables import read_tables
from dlatrack.viz.decisions import choice_plot
from dlatrack.viz.power import power_plot, target_dots
from dlatrack.viz.save import NotebookRecord
from dlatrack.viz.seeds import seed_plot
from dlatrack.viz.study_report import study_report

check_injected(globals())

study = training.seed_study(preset, tracker=tracker, seeds=seeds, first=seed)
parameters = {"preset": preset, "tracker": tracker, "seeds": list(study.seeds), "data": data}
parameters |= {"test_data": test_data, "backbone_weights": backbone_weights}
record = NotebookRecord("13_is_it_better", parameters, imagery=twins.imagery_of(test_data))
study

# %% [markdown]
# ## The declared study
#
# **Question.** Does a small tracker become better when DLA takes the place of its own rule, everything else being
# equal?
#
# **Method.** [`docs/study.md`](../docs/study.md) was written before the first training: families of trackers,
# rules, seeds, data, measure, and the rule by which a conclusion is drawn. Within a family a cell differs from
# another in the label assigner alone: the same seed gives the same initial weights and the same pairs. From
# nothing, heads are trained with 40,000 pairs on a public trunk; from a tracker that works, NanoTrack V3's public
# weights are trained further with 32,000 pairs, which favours the rule that they were trained under. Every
# network is run four times over real targets that no training saw, from first boxes up to half a pixel off.
# Intervals resample seeds, clips and first boxes.
#
# **Result.** The words below follow from the scores by the declared rule.

# %%
declared = read_declaration()
report = study_report(declared, read_tables())
print(report.words)

# %%
report.show("study_forest")

# %%
report.show("study_families")

# %% [markdown]
# What the uncertainty of each difference is made of tells what more of would help: more trainings, more targets,
# or more runs from other first boxes. Below it stands the chance with which this study would have found the gains
# that the paper prints.

# %%
report.show("study_variance")

# %%
report.show("study_power")

# %% [markdown]
# Rules beside each other, fine-tuned and from nothing. The differences are those from the tracker's own rule, and
# the ranks are given with what seeds, clips and first boxes leave open. All of these are exploratory: no
# conclusion on DLA is drawn from them.

# %%
report.show("study_fine_tuning")

# %%
report.show("study_fine_tuning_course")

# %%
report.show("study_fine_tuning_ranks")

# %%
report.show("study_rules")

# %%
report.show("study_iou_threshold")

# %%
report.show("study_centre_of_positives_course")

# %% [markdown]
# **Limits.** The networks are small, the trunks were trained by others, the training takes minutes, and the real
# targets are few and come from a handful of clips. NanoTrack's trunk learned under its ellipses. The answer is
# one for this setting; of the paper's networks, trained with millions of pairs, it is no more than a hint.
#
# One cell again, with the same bits on the same kind of processor:
# `dlatrack study run --only from_nothing/siamcar_nano/dla/0`.
#
# ## The shipped trackers, target by target
#
# Three pairs of twins come with the package, trained with one seed each. Each row is a target. The grey band is the
# 95 % interval of the mean: what it might have been on other targets. Targets of one clip share its camera and its
# light, so whole clips are drawn as well, and the band is the wider of the two.

# %% tags=["13_targets"]
shipped = power.shipped_scores(preset, clips=clips, seed=seed)
pairs = shipped.compare(seed=seed)
origin = {"preset": preset, "seed": seed, **shipped.origin}
shipped_record = NotebookRecord("13_is_it_better", origin, imagery=shipped.imagery)
figure = target_dots(
    {pair.dynamic: pair.differences for pair in pairs},
    {pair.dynamic: pair.summary for pair in pairs},
    source=shipped.source,
)
shipped_record.keep(
    figure,
    "13_targets",
    {pair.dynamic: {"differences": pair.differences.to_dict(), "mean": pair.summary} for pair in pairs},
    vectors=False,
)

# %%
print("\n".join(verdict(pair) for pair in pairs))

# %% [markdown]
# ## How many targets would settle it?
#
# The spread of the differences from target to target decides how many targets a paired comparison needs. Below is
# the chance to find a true difference of 0.01 or 0.02 AUC, if spread were what it is here. The table has the
# numbers for a chance of 80 %, with an interval, for a spread is itself only known as well as these targets tell.

# %% tags=["13_targets_needed"]
needed = power.targets_needed(pairs, seed=seed)
shipped_record.keep(needed, "13_targets_needed")

# %% tags=["13_power"]
spreads = {pair.dynamic: pair.spread for pair in pairs}
marks = {"here": len(shipped.auc), "OTB100": 100, "LaSOT test": 280}
figure = power_plot(spreads, power.WANTED, marks)
numbers = {"spreads": spreads, "differences": power.WANTED, "marks": marks}
shipped_record.keep(figure, "13_power", numbers, vectors=False)

# %% [markdown]
# These intervals know nothing of other trainings: each tracker was trained once.
#
# ## Another seed, another answer?
#
# Both twins are trained with several seeds, on the same data. A seed gives both the same initial weights and the
# same pairs. In `demo` this is a **reduced** study of short trainings on photographic videos.

# %%
crops = twins.training_crops(study.plan, data=data, seed=seed)
options = {"device": device, "backbone_weights": backbone_weights, "workers": workers}
trained = {each: twins.train_all(study.plan.recipes, crops, seed=each, **options) for each in study.seeds}

# %% tags=["13_seeds_table"]
videos = twins.held_out_sequences(study.plan, data=test_data, seed=seed)
scores = training.score_seeds(study, trained, videos, device=device)
table = training.seed_table(study, scores)
record.keep(table, "13_seeds_table").round(3)

# %% [markdown]
# Black is the mean over all seeds and sequences. Its interval resamples both: a seed for all sequences at once,
# and a sequence for all seeds. Two or three seeds tell little about all others, so that its tails are those of
# Student's t.

# %% tags=["13_seeds"]
schedule = study.plan.twins.dla.schedule
size = f"{schedule.epochs} epochs x {schedule.pairs_per_epoch:,} pairs, {len(videos)} videos"
figure = seed_plot(
    scores.fixed,
    scores.dynamic,
    scores.difference,
    seeds=study.seeds,
    labels=study.labels,
    note=size if preset == "paper" else f"reduced study: {size}",
)
record.keep(
    figure,
    "13_seeds",
    {"fixed": scores.fixed, "DLA": scores.dynamic, "all": scores.difference, "seeds": study.seeds},
)

# %%
print(training.seed_verdict(study, scores, imagery=twins.imagery_of(test_data)))

# %% [markdown]
# ## What the paper leaves open
#
# `docs/decisions.md` lists where the paper is silent and what we chose. Labels need no network, so each choice
# can be changed by itself and its labels compared with ours, target by target, with the same random draws. A
# choice that changes no label cannot change a tracker; of one that does, only trainings can tell whether it
# matters.

# %% tags=["13_choices_table"]
video = label_assignment.study_sequence(sequence)
materials = decisions.label_materials(preset, video, seed=seed)
choices = decisions.compare_choices(materials, seed=seed)
labelled = {"preset": preset, "sequence": sequence, "seed": seed}
choice_record = NotebookRecord("13_is_it_better", labelled, imagery="synthetic")
choice_record.keep(choices, "13_choices_table")
choices.drop(columns="targets").set_index(["head", "question", "choice"]).round(3)

# %% tags=["13_choices"]
figure = choice_plot(choices)
choice_record.keep(figure, "13_choices", choices.to_dict("list"), vectors=False)

# %% [markdown]
# On simulated targets with the shapes of LaSOT's boxes:
#
# - Negatives from another pool leave every positive as it is, and change some negative of about half of the targets
#   (points) or of most (anchors). By the letter of the paper one negative in twelve lies in the target.
# - Of the choices that touch positives, the first grid point and the targets that no sample satisfies matter most,
#   with points: nearly a half and over a quarter of all targets. Anchors leave hardly any target unsatisfied.
# - Whether the standard deviation is over n or n - 1 changes fewer than one target in ten; the tolerance and the test
#   of the centre change hardly any, but without the tolerance the ties of elongated targets are lost.
