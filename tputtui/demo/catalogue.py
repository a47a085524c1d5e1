"""Items of the shop and their ranking: the only computation in the demo, so a profiler finds it
hot.
"""

from __future__ import annotations

import random

from tputtui.frozen import frozen

_TAGS = (
    "red",
    "blue",
    "green",
    "small",
    "large",
    "warm",
    "cold",
    "old",
    "new",
    "fast",
    "slow",
    "wool",
    "iron",
    "oak",
)


@frozen
class CatalogueItem:
    """One item for sale."""

    name: str
    tags: frozenset[str]
    price: float
    sold: int


class Catalogue:
    """Catalogue of `size` items, the same each time."""

    def __init__(self, size: int) -> None:
        draw = random.Random(7)
        self.items = [
            CatalogueItem(
                f"item-{number}",
                frozenset(draw.sample(_TAGS, 4)),
                draw.uniform(1, 200),
                draw.randrange(1000),
            )
            for number in range(size)
        ]

    def random_query(self, rng: random.Random) -> frozenset[str]:
        """Return three random words as a search query."""
        return frozenset(rng.sample(_TAGS, 3))

    def rank(
        self, query: frozenset[str], limit: int | None = None, count: int = 5
    ) -> list[CatalogueItem]:
        """Return the best `count` of the first `limit` items (None: all) for the words of
        `query`.
        """
        return sorted(self.items[:limit], key=lambda item: score(item, query), reverse=True)[:count]


def score(item: CatalogueItem, query: frozenset[str]) -> float:
    """Score an item: shared words first, then popularity, then a low price."""
    shared = len(item.tags & query) / len(query)
    popular = item.sold / (item.sold + 100)
    cheap = 1 / (1 + item.price / 20)
    return 10 * shared + 2 * popular + similarity(item.name, item.tags) + cheap


def similarity(name: str, tags: frozenset[str]) -> float:
    """Return the share of a name's letters that occur in the item's words."""
    letters = set().union(*tags)
    return sum(letter in letters for letter in name) / len(name)
