"""Modules of the example shop that are easier to write in Python."""

import sys
from dataclasses import dataclass
from pathlib import Path

# From a checkout; an installed package needs no such line.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sdk/python/src"))

import tidegate


@dataclass
class Line:
    sku: str
    quantity: int


@dataclass
class Parcel:
    kilograms: float
    is_fragile: bool


@tidegate.module(effect="pure")
def Pack(lines: list[Line]) -> Parcel:
    "How the lines of an order are packed."
    return Parcel(sum(line.quantity * 0.4 for line in lines), any("GLS" in line.sku for line in lines))


tidegate.serve()
