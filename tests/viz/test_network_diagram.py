"""Networks are drawn with what their modules measure."""

from __future__ import annotations

import pytest

from dlatrack.errors import InputError
from dlatrack.paper.architecture import network
from dlatrack.recipes import recipe
from dlatrack.viz.architecture import network_diagram


def texts(figure) -> str:
    return "\n".join(text.get_text() for text in figure.axes[0].texts)


def test_both_branches_of_siamrpnpp_by_hand():
    drawn = network(recipe("dla_siamrpnpp"))
    assert drawn.title == "DLA-SiamRPN++"
    assert drawn.parameters["neck"] + drawn.parameters["head"] == 8_422_496
    assert drawn.rule.startswith("5 anchors at each of\nthe 9 points nearest")
    figure = network_diagram(drawn)
    shown = texts(figure)
    for part in (
        "3 × 127 × 127",
        "2048 × 31 × 31",
        "256 × 5 × 5\nat 3 levels",
        "10 × 25 × 25",
        "20 × 25 × 25",
    ):
        assert part in shown
    assert "centre-ness" not in shown
    assert figure.axes[0].get_title() == "DLA-SiamRPN++"


@pytest.mark.parametrize("name", ["dla_siamcar", "dla_siamfcpp", "dla_siamcar_small"])
def test_point_heads_have_three_outputs(name):
    drawn = network(recipe(name))
    shown = texts(network_diagram(drawn))
    assert "centre-ness" in shown
    assert "a 64 × 64 box at each of" in shown
    assert drawn.numbers["shapes"]["step"][0] == "image"


def test_a_fixed_rule_has_no_such_drawing():
    with pytest.raises(InputError, match="siamcar has no dynamic label assignment"):
        network(recipe("siamcar"))
