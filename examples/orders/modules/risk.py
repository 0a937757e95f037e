"""How risky an order is."""

import sys
from dataclasses import dataclass
from pathlib import Path

# From a checkout; an installed package needs no such line.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "sdk/python/src"))

import tidegate


@dataclass
class Risk:
    score: float
    reason: str


@tidegate.module(effect="pure")
def ScoreRisk(tier: str, net: float) -> Risk:
    "From 0, none, to 1."
    score = min(net / 10_000, 1.0) * (0.5 if tier == "gold" else 1.0)
    return Risk(round(score, 3), f"{net:.2f} by a {tier} customer")


tidegate.serve()
