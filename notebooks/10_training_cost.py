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
# # 10 · What does training cost?  (Figs. 10 and 11, inference speed)
#
# Dynamic label assignment acts in training alone, and only on labels. It adds a few comparisons per target to a step
# that is nearly all network. By the seconds that the paper prints its iterations are quicker than those of the fixed
# rules: 0.96 to 0.99 times for SiamRPN++, 0.78 to 0.80 times for SiamCAR.
#
# **You will** see the stages of a step of both twins, their ratio with its uncertainty, the paper's and our time of a
# whole training, and how fast the trackers run. **You need** nothing to download.
#
# | preset | recipes | about |
# |---|---|---|
# | `smoke` | SiamCAR small and SiamRPN++ small, a few steps of 2 pairs, for tests | 10 s |
# | `demo` | SiamCAR small and SiamRPN++ small, steps of their own 32 pairs | 25 min to measure |
# | `paper` | all that have a DLA twin, on `device`; large ones with 2 pairs | 2 h to measure on 2 cores |
#
# **Timings never repeat themselves**, and a figure that is drawn again should not change. The measurement is
# therefore in two files beside the figures, `10_training_cost.report.json` and `10_courses.report.json`, with the
# machine it was made on. This notebook draws what lies there and says whose it is; it measures if there is none, or
# the recipes of the preset if `measure` is set.

# %% tags=["parameters"]
preset: str = "demo"  # smoke | demo | paper: which recipes must have been measured
measure: bool = False  # whether to measure the recipes of the preset again, on this machine
device: str = "cpu"  # cpu | cuda: where training steps run

# %%
from IPython.display import display

from dlatrack.bench.measure import machine
from dlatrack.notebooks.run import check_injected
from dlatrack.studies import cost
from dlatrack.studies import courses as courses_of
from dlatrack.viz.benches import bench_dots
from dlatrack.viz.costs import stage_bars, training_course_plot
from dlatrack.viz.save import NotebookRecord

check_injected(globals())

report = cost.training_costs(preset, measure=measure, device=device)
parameters = {"device": report.device, "threads": report.threads, "machine": report.machine}
parameters |= {"load before": report.load}
record = NotebookRecord("10_training_cost", parameters, imagery="synthetic")
here = machine()["processor"]
print(f"measured on {report.machine['processor']}, {report.threads} threads, {report.machine['torch']}")
print(f"load of that machine before: {report.load:.1f}")
print("this machine" if here == report.machine["processor"] else f"this machine is another one: {here}")

# %% [markdown]
# ## The stages of a step
#
# Twins are the same network, so both sides are timed on one network in one process: fixed, DLA, DLA, fixed in every
# turn, so that a drift of the machine and the order cancel. The ratio is the median over the turns, its interval a
# bootstrap over them. Drawing the pairs is left out of steps and ratio: it is the same for both, and in training
# other processes do it meanwhile.

# %% tags=["10_training_cost"]
costs, stages = cost.cost_table(report), cost.stage_table(report)
figure = stage_bars(report.costs)
record.keep(
    figure,
    "10_training_cost",
    {"costs": costs.to_dict("list"), "stages, ms": stages.reset_index().to_dict("list")},
    vectors=False,
)

# %% tags=["10_training_cost_table"]
record.keep(costs, "10_training_cost_table").round(3)

# %% tags=["10_stages"]
record.keep(stages, "10_stages").round(2)

# %% [markdown]
# DLA and the fixed rule are told apart only where the interval of the ratio excludes 1. The 20 % that the paper
# prints for SiamCAR cannot come from labels as we make them: no rule could save more than its own share of a step,
# which is the column `assignment, %` for DLA. What else differed between the paper's runs is not said.

# %%
print("\n".join(cost.cost_verdict(each) for each in report.costs))

# %% [markdown]
# ## Figs. 10 and 11: time and loss over a training
#
# On the left what the paper prints, for four RTX 2080 Ti and batches of 120 and 256 pairs. In the middle and on the
# right are trainings of ours, short ones, of the small twins: both in one process, a step of each in turn on the same
# pairs, so that a drift of the machine meets both. The backbone joins at the dotted line; the step after it can take
# many times as long in the twin that makes it first, as memory is taken then, and so the printed ratios are medians.
# The two times have nothing in common but the shape, as batch, network and machine differ, so they share no axis. Of
# the loss the paper says that it differs little and prints no number. Losses of two rules are means over different
# samples: equal ones would not mean equal trackers.

# %%
courses = courses_of.training_courses(preset, measure=measure, device=device)
measured_on = {"device": courses.device, "threads": courses.threads, "machine": courses.machine}
measured_on |= {"load before": courses.load}
print(f"measured on {courses.machine['processor']}, {courses.threads} threads, {courses.machine['torch']}")
print("\n".join(courses_of.course_verdict(each) for each in courses.courses))

# %% tags=["10_paper_costs"]
paper = cost.paper_costs()
record.keep(paper, "10_paper_costs", parameters={}, imagery="real").round(3)

# %% tags=["fig10"]
course, iterations = courses.of("SiamRPN++"), cost.paper_iterations("SiamRPN++")
figure = training_course_plot(
    course, paper=paper, tracker="SiamRPN++", iterations=iterations, device=courses.device
)
printed = paper[paper["tracker"] == "SiamRPN++"].to_dict("list")
record.keep(
    figure,
    "fig10",
    {"paper": printed, "iterations": iterations, "ours": vars(course)},
    parameters=measured_on,
)

# %% tags=["fig11"]
course, iterations = courses.of("SiamCAR"), cost.paper_iterations("SiamCAR")
figure = training_course_plot(
    course, paper=paper, tracker="SiamCAR", iterations=iterations, device=courses.device
)
printed = paper[paper["tracker"] == "SiamCAR"].to_dict("list")
record.keep(
    figure,
    "fig11",
    {"paper": printed, "iterations": iterations, "ours": vars(course)},
    parameters=measured_on,
)

# %% [markdown]
# ## Inference speed
#
# A DLA tracker is its twin's network with other weights, so both run at the same speed; what differs below is noise.
# Measured on the CPU, frame by frame, in `update` alone.

# %% tags=["10_speed"]
speeds = cost.speed_table(report)
record.keep(speeds, "10_speed").round(1)

# %% [markdown]
# ## Everything that `dlatrack bench` measures
#
# Labels, pairs, scores, steps: `figures/bench.json` is what `dlatrack bench all --json` printed on one machine. What
# it prints on yours takes its place here as `runs/figures/bench.json`.

# %% tags=["10_bench_table", "10_bench"]
everything = cost.read_bench()
if everything is None:
    print("nobody has measured; dlatrack bench all --json > runs/figures/bench.json does")
else:
    print(f"measured on {', '.join(everything.machine.values())}")
    measured_on = {"machine": everything.machine}
    record.keep(everything.table, "10_bench_table", parameters=measured_on)
    figure = bench_dots(everything.table)
    display(record.keep(figure, "10_bench", everything.table.to_dict("list"), parameters=measured_on))
