"""Which side each source is on: related pieces never lie on two sides, and a library that grows moves few of them.

Sources that are near-duplicates, or linked because one came from the other, make a group, and a group is split as one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256

from workbench.core.datasets.recipes import Ratios
from workbench.core.datasets.rows import SPLITS, Split
from workbench.core.library.likeness import Fingerprint
from workbench.core.library.likeness_join import groups_of, near_groups, near_pairs

Shares = dict[Split, float]


def group(sources: Sequence[tuple[str, Fingerprint]], extra_links: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """The group of each source by its id: the smallest id of all that are connected by near-likeness or links.

    A link may name an id that is not among the sources, such as a piece that two of them were derived from: it connects
    them, too. For a frozen test set to keep its near-duplicates out of training, its pieces have to be among the
    sources.
    """
    place: dict[str, int] = {}
    links = [(place.setdefault(one, len(place)), place.setdefault(other, len(place))) for one, other in extra_links]
    places = [place.setdefault(id, len(place)) for id, _ in sources]
    links += [(places[at], places[first]) for at, first in enumerate(near_groups([each for _, each in sources]))]
    labels = groups_of(len(place), links)
    names: dict[int, str] = {}
    for id, _ in sources:
        label = labels[place[id]]
        names[label] = min(id, names.get(label, id))
    return {id: names[labels[place[id]]] for id, _ in sources}


def assign(
    groups: Mapping[str, str],
    ratios: Ratios,
    seed: int,
    *,
    held_out: Collection[str] = (),
    weights: Mapping[str, int] | None = None,
    strata: Mapping[str, str] | None = None,
) -> dict[str, Split]:
    """The split of each source of ``groups`` (id to group name), the same on every machine.

    Args:
        groups: what ``group`` gives.
        ratios: the share of each split in the weight of all sources. A split whose ratio is 0 gets nothing but what is
            held out.
        seed: another seed is another split.
        held_out: ids in a frozen test set. All that is in one group with them is in the test split.
        weights: what a source counts for, by id; 1 where it has none.
        strata: what a source is, by id, in words from the widest to the narrowest: ``ABA|baroque|minor``. A group is
            what most of its weight is.

    How: the groups of a stratum stand in the order of a hash of the seed and their names, and the line is cut at the
    ratios, less what is held out. Where a cut goes through a group, the group stays open, and the open ones of all
    strata with the same beginning (``ABA|baroque``, then ``ABA``, then all) are put in line and cut again. So every
    stratum, narrow or wide, has its share to within two groups (one a cut), and the whole to within half of one. That
    is the spread of stratified sampling (Sechidis, Tsoumakas and Vlahavas 2011), but where each group goes into the
    split that lacks most, as theirs does, one new source decides anew over all that follow. Here a source that comes or
    goes only moves cuts by its own weight, and takes to another side the few others that stand there: about one, seven
    at most, in libraries of 63 to 5,000 sources. A source that is the name of its group moves that group, too.
    A group heavier than half the share of the smallest split is in the largest split: a test set that is one piece in
    many forms measures little.
    Last, a split that has a ratio and no group gets the lightest of the split that has most.
    """
    known = _Groups(groups, ratios, seed, weights or {}, strata or {})
    held = {groups[id] for id in held_out if id in groups}
    placed: dict[str, Split] = dict.fromkeys(held, "test")
    placed |= {name: known.largest for name in known.heavy if name not in held}
    depth = max((len(path) for path in known.paths.values()), default=0)
    for length in range(depth, -1, -1):
        for names in known.alike(length):
            _cut(known, names, placed, last=length == 0)
    _fill(known, placed, held)
    return {id: placed[name] for id, name in groups.items()}


def leaks(fingerprints: Sequence[tuple[str, str, Fingerprint]]) -> list[tuple[str, str, float]]:
    """Near-duplicates on different sides, of pieces given as (id, split, fingerprint): both ids and how alike they are.

    Of copies on one side, with the very same runs, only the one with the smallest id is told. Sorted by the ids, the
    smaller one first.
    """
    first: dict[tuple[str, bytes], tuple[str, str, Fingerprint]] = {}
    for each in sorted(fingerprints, key=lambda given: given[0]):
        first.setdefault((each[1], sha256(each[2].runs.tobytes()).digest()), each)
    pieces = list(first.values())
    pairs = near_pairs([each for _, _, each in pieces])
    return [
        (pieces[one][0], pieces[other][0], float(likeness))
        for one, other, likeness in zip(*(column.tolist() for column in pairs), strict=True)
        if pieces[one][1] != pieces[other][1]
    ]


class _Groups:
    """What is known about the groups, by name: their weight, their place in line, and the stratum they are in."""

    def __init__(
        self,
        groups: Mapping[str, str],
        ratios: Ratios,
        seed: int,
        weights: Mapping[str, int],
        strata: Mapping[str, str],
    ) -> None:
        self.ratios: Shares = {"train": ratios.train, "validation": ratios.validation, "test": ratios.test}
        self.largest: Split = max(SPLITS, key=lambda split: self.ratios[split])
        self.weights: Counter[str] = Counter()
        words: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for id, name in groups.items():
            weight = weights.get(id, 1)
            self.weights[name] += weight
            words[name][strata.get(id, "")] += weight
        self.paths = {
            name: tuple(min(counts, key=lambda word: (-counts[word], word)).split("|"))
            for name, counts in words.items()
        }
        self.line = sorted(self.weights, key=lambda name: sha256(f"{seed}\n{name}".encode()).digest())

    @property
    def heavy(self) -> list[str]:
        """The groups that weigh more than half the share of the smallest split, and more than the lightest group."""
        smallest = min(ratio for ratio in self.ratios.values() if ratio) * self.weights.total()
        most = max(smallest / 2, min(self.weights.values(), default=0))
        return [name for name in self.line if self.weights[name] > most]

    def alike(self, length: int) -> list[list[str]]:
        """The groups, in line, of each stratum of so many words."""
        found: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in self.line:
            found[self.paths[name][:length]].append(name)
        return list(found.values())


def _cut(known: _Groups, names: Sequence[str], placed: dict[str, Split], *, last: bool) -> None:
    """Place those of a stratum that no cut goes through; at ``last`` all, where their middle is."""
    wanted = _wanted(known, names, placed)
    start = 0.0
    for name in (name for name in names if name not in placed):
        stop = start + known.weights[name]
        first, final = _split_at(wanted, start), _split_at(wanted, stop, before=True)
        if last:
            placed[name] = _split_at(wanted, (start + stop) / 2)
        elif first == final:
            placed[name] = first
        start = stop


def _wanted(known: _Groups, names: Sequence[str], placed: Mapping[str, Split]) -> Shares:
    """How much of a stratum's open weight each split should get, so that with what it has it comes to its share."""
    has: Counter[str] = Counter()
    for name in names:
        has[placed.get(name, "open")] += known.weights[name]
    lacks: Shares = {split: max(0.0, ratio * has.total() - has[split]) for split, ratio in known.ratios.items()}
    # Where one split has more than its share, the others have to do with less.
    scale = has["open"] / (sum(lacks.values()) or 1)
    return {split: lack * scale for split, lack in lacks.items()}


def _split_at(wanted: Shares, point: float, *, before: bool = False) -> Split:
    """The split that a point of the line lies in; at a cut the one after it, or the one before."""
    # Cuts are rounded, as 0.8 * 10 + 0.1 * 10 may be; a point nearer than that lies at the cut.
    point += -1e-6 if before else 1e-6
    end, found = 0.0, None
    for split in (split for split in SPLITS if wanted[split] > 0):
        end, found = end + wanted[split], split
        if point < end:
            break
    return found or "train"


def _fill(known: _Groups, placed: dict[str, Split], held: Collection[str]) -> None:
    """Give a split that has a ratio and no group one of the split that has most, where that leaves it another."""
    for split in SPLITS:
        if not known.ratios[split] or split in placed.values():
            continue
        counts = Counter(placed.values())
        free = [name for name in known.line if name not in held and counts[placed[name]] > 1]
        if free:
            most = max(counts[placed[name]] for name in free)
            donors = [name for name in free if counts[placed[name]] == most]
            placed[min(donors, key=lambda name: known.weights[name])] = split
