"""Where a backbone's first weights come from; no test fetches anything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from dlatrack.errors import InputError
from dlatrack.models.backbones import BACKBONES, ResNet50, load_backbone_weights, starting_weights
from dlatrack.models.preprocess import folded_normalisation, to_network_input
from dlatrack.models.torchvision_ops import torchvision
from dlatrack.recipes import RECIPES


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints"


def test_random_and_a_file(tmp_path: Path) -> None:
    assert starting_weights("resnet50", "random") is None
    (tmp_path / "mine.pth").touch()
    assert starting_weights("resnet50", str(tmp_path / "mine.pth")) == tmp_path / "mine.pth"
    with pytest.raises(
        InputError, match=r"cannot read .*no\.pth: no such file; .* a file, shipped, imagenet or random"
    ):
        starting_weights("resnet50", tmp_path / "no.pth")


@pytest.mark.parametrize(
    "name", ["resnet50", "efficientnet_b0", "inception_v3", "mobilenet_v2", "mobilenet_v3"]
)
def test_torchvisions_file_is_fetched_once_and_checked(
    hub: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fetched = []

    def fetch(url: str, path: str, prefix: str, progress: bool) -> None:
        fetched.append((url, prefix))
        Path(path).touch()

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    first, second = starting_weights(name, "imagenet"), starting_weights(name, "imagenet")
    assert first == second
    assert first.parent == hub
    ((url, prefix),) = fetched
    assert url.startswith("https://download.pytorch.org/models/")
    assert f"-{prefix}." in url
    assert len(prefix) >= 8


def test_a_file_with_another_hash_is_refused(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real download function on a file URL: the content must have the hash that its name promises."""
    content = b"weights"
    good, bad = (f"net-{digest}.pth" for digest in (hashlib.sha256(content).hexdigest()[:8], "00000000"))

    class Weights:
        class IMAGENET1K_V1:  # noqa: N801
            url = ""

    monkeypatch.setattr(torchvision.models, "ResNet50_Weights", Weights)
    for name in (good, bad):
        (tmp_path / name).write_bytes(content)
    Weights.IMAGENET1K_V1.url = (tmp_path / good).as_uri()
    assert starting_weights("resnet50", "imagenet").read_bytes() == content
    Weights.IMAGENET1K_V1.url = (tmp_path / bad).as_uri()
    with pytest.raises(InputError, match=r"cannot fetch ImageNet weights .*invalid hash value"):
        starting_weights("resnet50", "imagenet")
    assert not (hub / bad).exists()


def test_no_network_says_what_to_do(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(
        InputError, match=r"no route to host.*fetch that file elsewhere and name it with --back"
    ):
        starting_weights("resnet50", "imagenet")


def test_trunks_that_torchvision_lacks_are_named() -> None:
    with pytest.raises(InputError, match="no ImageNet weights for backbone alexnet, only for resnet50, eff"):
        starting_weights("alexnet", "imagenet")


def test_every_recipe_can_start() -> None:
    for entry in RECIPES.values():
        assert entry.net.backbone in BACKBONES
        imagenet = entry.schedule.backbone_start == "imagenet"
        assert not (imagenet and entry.net.backbone.startswith("alexnet")), entry.name


def test_raw_images_give_the_answers_of_normalised_ones() -> None:
    """torchvision's weights in a network that is fed raw BGR: the first layers take over the normalisation."""
    generator = torch.Generator().manual_seed(0)
    theirs = torchvision.models.resnet50()
    for norm in (part for part in theirs.modules() if isinstance(part, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_(generator=generator)
    nets = {form: ResNet50((2,)).eval() for form in ("rgb_imagenet", "bgr_255")}
    images = torch.rand(1, 3, 127, 127, generator=generator) * 255
    answers = []
    for form, net in nets.items():
        load_backbone_weights(net, theirs.state_dict(), form)
        with torch.no_grad():
            answers.append(net(to_network_input(images, form))[0])
    assert answers[0].abs().max() > 0.1
    torch.testing.assert_close(answers[0], answers[1], rtol=1e-3, atol=1e-4)


def test_weights_with_wide_shortcuts_are_for_raw_images_already() -> None:
    donor, net = (ResNet50((2,)) for _ in range(2))
    donor.reset_parameters(torch.Generator().manual_seed(0))
    load_backbone_weights(net, donor.state_dict(), "bgr_255")
    assert torch.equal(net.conv1.weight, donor.conv1.weight)
    assert torch.equal(net.bn1.running_mean, donor.bn1.running_mean)


def test_folding_by_hand() -> None:
    """One 1x1 kernel that looks at red alone."""
    weight, mean = folded_normalisation(torch.tensor([2.0, 0.0, 0.0]).view(1, 3, 1, 1), torch.tensor([0.5]))
    assert weight.flatten().tolist() == pytest.approx([0, 0, 2 / (255 * 0.229)])
    assert mean.tolist() == pytest.approx([0.5 + 2 * 0.485 / 0.229])
