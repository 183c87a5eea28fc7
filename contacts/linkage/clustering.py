"""Pairs become groups: two groups are joined only if all their cross pairs together speak for it. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations

Pair = tuple[int, int]
# Of contacts that hang together more than this many are not looked at pair by pair; their strongest pairs remain.
MOST = 60


def group(
    bits: dict[Pair, float], missing: Callable[[list[Pair]], Iterable[float]], vetoes: set[Pair]
) -> list[list[int]]:
    """Groups of two and more from pairs (smaller first) with positive bits, largest evidence first.

    `missing` scores pairs that share no key; `vetoes` are pairs of which somebody has said that they are not one person.
    Every contact is in one group at most, and the same pairs give the same groups in whatever order they come.
    """
    groups: list[list[int]] = []
    for together in _components(pair for pair, worth in bits.items() if worth > 0):
        if len(together) == 2:
            pair = (min(together), max(together))
            if pair not in vetoes:
                groups.append(list(pair))
            continue
        groups += _apart(together, bits, missing, vetoes)
    return groups


def _components(pairs: Iterable[Pair]) -> list[list[int]]:
    leads: dict[int, int] = {}

    def root(x: int) -> int:
        while leads.setdefault(x, x) != x:
            leads[x] = leads[leads[x]]
            x = leads[x]
        return x

    for a, b in pairs:
        leads[max(root(a), root(b))] = min(root(a), root(b))
    members = defaultdict(list)
    for x in sorted(leads):
        members[root(x)].append(x)
    return list(members.values())


def _apart(
    together: list[int], bits: dict[Pair, float], missing: Callable[[list[Pair]], Iterable[float]], vetoes: set[Pair]
) -> list[list[int]]:
    known = {pair: bits[pair] for pair in combinations(together, 2) if pair in bits}
    unknown = [pair for pair in combinations(together, 2) if pair not in bits] if len(together) <= MOST else []
    known.update(zip(unknown, missing(unknown), strict=True) if unknown else ())
    group_of = {x: [x] for x in together}
    for (a, b), worth in sorted(known.items(), key=lambda item: (-item[1], item[0])):
        one, other = group_of[a], group_of[b]
        if worth <= 0 or one is other:
            continue
        cross = [(min(x, y), max(x, y)) for x in one for y in other]
        if any(pair in vetoes for pair in cross) or sum(known.get(pair, -20.0) for pair in cross) <= 0:
            continue
        one += other
        for x in other:
            group_of[x] = one
    seen = {id(members): sorted(members) for members in group_of.values() if len(members) > 1}
    return list(seen.values())
