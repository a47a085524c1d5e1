"""What the shop sells, and how it ranks: the one place where the demo computes, so that a profiler finds it hot."""

from __future__ import annotations

import random

from tputtui.frozen import frozen

_WORDS = ("red", "blue", "green", "small", "large", "warm", "cold", "old", "new", "fast", "slow", "wool", "iron", "oak")


@frozen
class Item:
    """One thing for sale."""

    name: str
    words: frozenset[str]
    price: float
    sold: int


class Catalogue:
    """`size` items, the same ones each time."""

    def __init__(self, size: int) -> None:
        draw = random.Random(7)
        self.items = [
            Item(f"item-{number}", frozenset(draw.sample(_WORDS, 4)), draw.uniform(1, 200), draw.randrange(1000))
            for number in range(size)
        ]

    def query(self, draw: random.Random) -> frozenset[str]:
        """Three words somebody might look for."""
        return frozenset(draw.sample(_WORDS, 3))

    def rank(self, wanted: frozenset[str], among: int | None = None, best: int = 5) -> list[Item]:
        """The `best` of the first `among` items for the words `wanted` (of all: None)."""
        return sorted(self.items[:among], key=lambda item: score(item, wanted), reverse=True)[:best]


def score(item: Item, wanted: frozenset[str]) -> float:
    """How well an item fits: shared words first, then what sells, then what is cheap."""
    shared = len(item.words & wanted) / len(wanted)
    popular = item.sold / (item.sold + 100)
    cheap = 1 / (1 + item.price / 20)
    return 10 * shared + 2 * popular + similarity(item.name, item.words) + cheap


def similarity(name: str, words: frozenset[str]) -> float:
    """Share of a name's letters that occur in the item's words."""
    letters = set().union(*words)
    return sum(letter in letters for letter in name) / len(name)
