"""Description of exported graphs for programs without dlatrack: inputs, outputs, crops, meaning of the maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlatrack.grid import RPN_ANCHORS
from dlatrack.models.onnx.examples import example_files
from dlatrack.recipes import NetConfig, Recipe

#: Version of the description and of the graphs' inputs and outputs.
GRAPHS_FORMAT = 1

_NORMALISATION = {
    "bgr_255": "red and blue are swapped inside the graphs",
    "rgb_255": "nothing is normalised",
    "rgb_imagenet": "the graphs normalise with ImageNet's mean and standard deviation",
}

_SIDES = (
    "`reg` holds the distances left, top, right and bottom from the point to the sides of the box, in px of the "
    "search crop."
)

_SOFTMAX = "`cls` holds the logits of background and target; the score is the softmax's second part."

_ANCHORS = ", ".join(f"{width:g} x {height:g}" for width, height in RPN_ANCHORS)

_BAN = f"{_SOFTMAX} {_SIDES} (`siamban_step` in `dlatrack/tracking/steps/siamrpn.py`.)"

#: How the maps of each head are decoded; the files named do it.
_DECODE = {
    "fc": "`cls` holds one logit; the score is its sigmoid. There is no box: the search graph is run on three crops, "
    "of sides 1/1.0375, 1 and 1.0375 times the usual one, and the best of the three gives the change of size "
    "(`dlatrack/tracking/steps/siamfc.py`).",
    "rpn": "`cls` holds the logits of the m anchors, background of all and then target of all; the score of an "
    "anchor is the softmax over its two. `reg` holds dx of all anchors, then dy, dw and dh: an anchor of w x h px "
    "at the point (x, y) becomes the box with centre (x + w dx, y + h dy) and size (w exp dw, h exp dh). The anchors "
    f"in their order: {_ANCHORS} px (`dlatrack/tracking/steps/siamrpn.py`).",
    "car": f"{_SOFTMAX} {_SIDES} `centerness` is spread linearly over 0..1 within the map and multiplies the score; "
    "a second look at the enlarged maps gives the exact place (`dlatrack/tracking/steps/siamcar.py`).",
    "ban": _BAN,
    "nano": _BAN,
    "fcpp": f"The score is sigmoid(`cls`) sigmoid(`centerness`). {_SIDES} (`dlatrack/tracking/steps/siamfcpp.py`.)",
}

_WHAT = {
    "template": "template crop, RGB, 0..255",
    "search": "search crop, RGB, 0..255",
    "features": "of the target, computed once and given to every search",
    "cls": "scores, as logits",
    "reg": "boxes",
    "centerness": "quality of each box, as logits",
}


def describe_graphs(recipe: Recipe, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Describe the graphs of a tracker, as plain JSON.

    Args:
        recipe: recipe of the tracker.
        shapes: shape of every output, by name; those of the template graph are `features_0` and so on.
    """
    net = recipe.net
    features = {name: shape for name, shape in shapes.items() if name.startswith("features_")}
    maps = {name: shape for name, shape in shapes.items() if name not in features}
    z, x = ((1, 3, size, size) for size in (net.template_size, net.online_search_size))
    return {
        "format": GRAPHS_FORMAT,
        "tracker": recipe.name,
        "graphs": {
            "template.onnx": {"inputs": _entries({"template": z}), "outputs": _entries(features)},
            "search.onnx": {"inputs": _entries({"search": x, **features}), "outputs": _entries(maps)},
        },
        "colours": f"RGB, planes, 0..255, float32; {_NORMALISATION[net.input_format]}",
        "crops": _crops(net),
        "decode": _decode(net, maps["cls"][-1]),
    }


def read_me(described: Mapping[str, Any]) -> str:
    """Render a description, with stamp, check and tolerance added, as a page of Markdown."""
    lines = [
        f"# {described['tracker']} as ONNX",
        "",
        "`template.onnx` is run once per target, `search.onnx` in every frame, both with a batch of 1. "
        "`tracker.json` says the same as this page for programs, with the recipe and the hashes of both graphs.",
        "",
        "| graph | | name | shape | what |",
        "|---|---|---|---|---|",
    ]
    for file, graph in described["graphs"].items():
        for kind in ("inputs", "outputs"):
            for entry in graph[kind]:
                shape = " x ".join(map(str, entry["shape"]))
                lines.append(f"| `{file}` | {kind[:-1]} | `{entry['name']}` | {shape} | {entry['what']} |")
    lines += ["", f"**Colours.** {described['colours']}."]
    lines += ["", f"**Crops.** {described['crops']}", "", f"**Reading the maps.** {described['decode']}"]
    lines += [
        "",
        "**Check.** For random crops onnxruntime differed from torch by at most the following; "
        f"{described['tolerance']:g} of the largest value was allowed.",
        "",
        "| output | largest difference | largest value |",
        "|---|---:|---:|",
    ]
    lines += [
        f"| `{name}` | {entry['largest']:.2g} | {entry['scale']:.3g} |"
        for name, entry in described["check"].items()
    ]
    made = {**described["origin"], **described["versions"]}
    lines += ["", "Made with " + ", ".join(f"{name} {value}" for name, value in made.items()) + ".", ""]
    lines += [
        "```python",
        "from dlatrack import OnlineTracker",
        "from dlatrack.models.onnx.network import load_onnx",
        "",
        "tracker = OnlineTracker(*load_onnx(FOLDER))  # init(image, box_xywh), then update(image)",
        "```",
        "",
        *_example(described["recipe"]["net"]["head"]),
    ]
    return "\n".join(lines)


def _example(head: str) -> list[str]:
    """Lines on the programs beside the graphs."""
    files = example_files(head)
    if not files:
        return []
    lines = [
        "**Without torch and dlatrack.** `python track_onnx.py VIDEO X,Y,W,H` needs numpy, opencv-python and "
        "onnxruntime alone; `decode.py` reads the maps.",
        "",
    ]
    if "track_onnx.cpp" in files:
        lines += [
            "`track_onnx.cpp` does the same in C++; the command that builds it is in its first lines.",
            "",
        ]
    return lines


def _entries(shapes: Mapping[str, tuple[int, ...]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "shape": list(shape), "dtype": "float32", "what": _WHAT[name.split("_")[0]]}
        for name, shape in shapes.items()
    ]


def _crops(net: NetConfig) -> str:
    return (
        "For a target of w x h px let p = (w + h) / 2 and s = sqrt((w + p)(h + p)). The template crop is the square "
        f"of side s around the target's centre in the first frame, resized to {net.template_size} px. The search "
        f"crop is the square of side s {net.online_search_size} / {net.template_size} around the last centre, with "
        f"s of the last size, resized to {net.online_search_size} px. What lies outside the image has the mean "
        "colour of the first frame."
    )


def _decode(net: NetConfig, cells: int) -> str:
    return (
        f"Row j, column i of a map stands for the point x = {net.stride} (i - {cells // 2}), y = {net.stride} "
        f"(j - {cells // 2}) in px of the search crop, counted from its centre; times s / {net.template_size} that "
        "is px of the image, counted from the last centre. "
        f"{_DECODE.get(net.head, 'The maps are those of the head.')} Which cell wins also depends on a penalty on "
        "changes of size, a cosine window and a smoothing rate; `tracker.json` has the three numbers of each "
        "benchmark under `recipe`, `online`."
    )
