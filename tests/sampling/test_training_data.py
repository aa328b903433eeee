"""Training crops by the name of their data set."""

from __future__ import annotations

import pytest

from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack.read import PackedCrops
from dlatrack.sampling.pack.write import pack
from dlatrack.sampling.training_data import open_crops, open_mixture


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The miniature of GOT-10k, and a pack of it."""
    folder = tmp_path_factory.mktemp("got10k")
    root = write_mini("got10k", folder)
    originals = open_crops("got10k", root)
    pack(originals.table, folder / "pack", name="got10k", workers=1)
    return root, folder / "pack"


def test_a_folder_is_opened_as_what_it_is(folders):
    originals, packed = (open_crops("got10k", folder) for folder in folders)
    assert isinstance(originals, OriginalCrops)
    assert isinstance(packed, PackedCrops)
    assert originals.tracks.tolist() == packed.tracks.tolist()


def test_sets_are_mixed_by_name(folders):
    mixed = open_mixture({"got10k": folders[1]})
    assert mixed.proportions() == {"got10k": 1.0}
    assert mixed.frame_ranges == (50,)


def test_wrong_names_are_refused(folders):
    with pytest.raises(InputError, match="is a pack of got10k, not of lasot"):
        open_crops("lasot", folders[1])
    with pytest.raises(InputError, match="otb100 is no training set; choose from imagenet_vid"):
        open_mixture({"otb100": folders[0]})
