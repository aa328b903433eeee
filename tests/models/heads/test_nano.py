"""The head of NanoTrack V3: shapes, kernels computed once, and each part against plain sums."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlatrack.assign import build_assigner
from dlatrack.losses import LOSSES
from dlatrack.models.correlation import depthwise_correlation, pixelwise_correlation
from dlatrack.models.heads import NanoHead
from dlatrack.recipes import recipe


def built(channels: int = 6, cells: int = 8) -> NanoHead:
    head = NanoHead(channels, cells)
    head.reset_parameters(torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(2)
    for part in head.modules():  # statistics that are not 0 and 1
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(std=0.1, generator=generator)
            part.running_var.uniform_(0.5, 1.5, generator=generator)
    return head.eval()


def maps(channels: int = 6, batch: int = 1, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    template = torch.randn(batch, channels, 8, 8, generator=generator)
    return template, torch.randn(batch, channels, 16, 16, generator=generator)


def test_shapes_and_positive_sides() -> None:
    head, (template, search) = built(), maps(batch=2)
    with torch.no_grad():
        kernels = head.kernels([template])
        output = head(kernels, [search])
    assert [tuple(kernel.shape) for kernel in kernels] == [(2, 6, 8, 8), (2, 6, 4, 4)] * 2
    assert output.cls.shape == (2, 2, 15, 15)
    assert output.reg.shape == (2, 4, 15, 15)
    assert (output.reg > 0).all()
    assert output.centerness is None


def test_each_item_of_a_batch_alone_gives_the_same() -> None:
    head, (template, search) = built(), maps(batch=3)
    with torch.no_grad():
        together = head(head.kernels([template]), [search])
        for item in range(3):
            alone = head(head.kernels([template[item : item + 1]]), [search[item : item + 1]])
            torch.testing.assert_close(alone.cls[0], together.cls[item])
            torch.testing.assert_close(alone.reg[0], together.reg[item])


def test_a_branch_is_two_correlations_joined_and_a_tower() -> None:
    """The same, written out part by part; the tower ends without an activation."""
    head, (template, search) = built(), maps()
    branch = head.cls
    with torch.no_grad():
        by_cell = pixelwise_correlation(branch.pixel_search(search), branch.pixel_kernel(template))
        weight = branch.attention.fc2(
            branch.attention.fc1(by_cell.mean((2, 3), keepdim=True)).relu()
        ).sigmoid()
        by_cell = branch.pixel(by_cell * weight)
        padded = nn.functional.pad(branch.depth_search(search), (1, 1, 1, 1))
        by_channel = depthwise_correlation(padded, branch.depth_kernel(template[..., 2:6, 2:6]))
        assert by_cell.shape[-1] == by_channel.shape[-1] == 15
        joined = branch.join(torch.cat([by_cell, by_channel], 1))
        for number in range(6):
            depthwise, norm, act, pointwise, last = branch.tower[5 * number : 5 * number + 5]
            assert isinstance(act, nn.ReLU6)
            joined = last(pointwise(norm(depthwise(joined)).clamp(0, 6)))
        expected = branch.predict(joined)
        found = head(head.kernels([template]), [search])
    assert len(branch.tower) == 30
    torch.testing.assert_close(found.cls, expected)


def test_the_template_decides_and_its_border_counts_for_cells_alone() -> None:
    """The depth-wise correlation sees cells 2 to 5 of the template, the pixel-wise one all."""
    head, (template, _) = built(), maps()
    changed = template.clone()
    changed[..., 0, :] += 1
    with torch.no_grad():
        before, after = head.kernels([template]), head.kernels([changed])
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])


@pytest.mark.parametrize("name", ["nanotrack_v3", "dla_nanotrack_v3"])
def test_positive_and_negative_pairs_have_finite_loss(name: str) -> None:
    chosen = recipe(name)
    assigner = build_assigner(chosen.assign.name, chosen.grid, **chosen.assign.options)
    target = torch.tensor([[95.0, 95.0, 159.0, 159.0], [40.0, 60.0, 120.0, 100.0]])
    found = assigner.assign(target, torch.tensor([True, False]), torch.Generator())
    head, (template, search) = built().train(), maps(batch=2)
    output = head(head.kernels([template]), [search])
    anchors = assigner.grid.anchors(assigner.anchor_shapes).float()
    terms = LOSSES["nano"](output, found.labels, target, anchors, chosen.loss)
    terms.total.backward()
    assert torch.isfinite(terms.total)
    assert terms.total.item() == pytest.approx(
        terms.classification.item() + terms.regression.item(), rel=1e-6
    )
    assert all(torch.isfinite(p.grad).all() for p in head.parameters() if p.grad is not None)


def test_training_points_are_those_of_the_public_code() -> None:
    for name in ("nanotrack_v3", "dla_nanotrack_v3"):
        points = recipe(name).grid.points
        assert len(points) == 15 * 15
        assert points[0].tolist() == [15, 15]
        assert points[16].tolist() == [31, 31], "row 1, column 1"
        assert points[-1].tolist() == [239, 239]
