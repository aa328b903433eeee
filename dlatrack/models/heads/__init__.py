"""Heads: from template and search features to scores and boxes."""

from __future__ import annotations

from collections.abc import Callable

from dlatrack.models.heads.base import Head, HeadOutput
from dlatrack.models.heads.car import CarHead
from dlatrack.models.heads.fc import FcHead
from dlatrack.models.heads.fcpp import FcppHead
from dlatrack.models.heads.nano import NanoHead
from dlatrack.models.heads.rpn import BanHead, RpnHead
from dlatrack.recipes import NetConfig

__all__ = ["HEADS", "BanHead", "CarHead", "FcHead", "FcppHead", "Head", "HeadOutput", "NanoHead", "RpnHead"]

#: Heads that a recipe may name.
HEADS: dict[str, Callable[[NetConfig], Head]] = {
    "fc": lambda net: FcHead(),
    "rpn": lambda net: RpnHead(net.levels, net.channels),
    "car": lambda net: CarHead(len(net.levels), net.channels, net.tower_depth, net.first_side),
    "ban": lambda net: BanHead(net.levels, net.channels),
    "fcpp": lambda net: FcppHead(net.channels, net.tower_depth, net.stride),
    "nano": lambda net: NanoHead(net.channels, -(-net.template_size // net.stride)),
}
