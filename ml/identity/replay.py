"""Persons that split when one of their identifiers becomes a hub: replayed instant by instant.

Belongs here: components out of which a hub falls at some instant. Does not belong here: components that only
grow, which are nearly all (``merges``).
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from ml.identity.graph import FOREVER, Graph, Ints
from ml.identity.ledger import Ids
from ml.identity.merges import Spans

HUB, BIRTH, EDGE = 0, 1, 2
"""Order within an instant: who is a hub from now on leaves before others arrive."""

Event = tuple[int, int, int, int, int]
"""Component, instant, kind, and one identifier twice or the two of an edge."""
KIND, LEFT = 2, 3

AT_ONCE = 65_536
"""Events that are Python objects at one time; the others stay in arrays."""


class Person:
    """One connected component at the present instant."""

    __slots__ = ("entry", "members", "outdated")

    def __init__(self, members: list[int], entry: int | None) -> None:
        self.members = members
        self.entry = entry
        self.outdated = list(members)
        """Members whose open span may name another id than ``entry``."""


class Replay:
    """The state between two instants, and the spans closed so far."""

    def __init__(self, graph: Graph, ids: Ids) -> None:
        self.graph, self.ids = graph, ids
        self.neighbours: dict[int, set[int]] = defaultdict(set)
        self.person: dict[int, Person] = {}
        self.open: dict[int, tuple[int, int]] = {}
        """Identifier: entry and instant since which it bears it."""
        self.closed = array("q")
        """Identifier, entry, known from and known to of each span, one after the other."""
        self.heirs: dict[int, int] = {}
        """Hub: the identifier that stood for its person when it fell out."""

    def run(self, mine: npt.NDArray[np.bool_], component: Ints) -> Spans:
        """Spans of the identifiers in ``mine``, one component of the graph of all edges that ever count at a time."""
        present = -1
        for (label, instant), events in groupby(_events(self.graph, mine, component), key=itemgetter(0, 1)):
            if label != present:
                self._forget()
                present = label
            self._step(instant, list(events))
        self._forget()
        spans = np.frombuffer(self.closed, dtype=np.int64).reshape(-1, 4)
        return spans[:, 0], spans[:, 1], spans[:, 2], spans[:, 3]

    def _forget(self) -> None:
        """End a component: what is open lasts."""
        for node, (entry, since) in self.open.items():
            self.closed.extend((node, entry, since, FOREVER))
        for state in (self.neighbours, self.person, self.open):
            state.clear()

    def _step(self, instant: int, events: list[Event]) -> None:
        touched = self._fall_out({event[LEFT] for event in events if event[KIND] == HUB}, instant)
        for _, _, kind, left, right in events:
            if kind == BIRTH:
                entry = int(self.ids.entry_of[left])
                self.person[left] = Person([left], None if entry < 0 else entry)
                touched.append(self.person[left])
            elif kind == EDGE:
                touched.append(self._join(left, right))
        for person in touched:
            if person.outdated:
                self._name(person, instant)

    def _fall_out(self, hubs: set[int], instant: int) -> list[Person]:
        """Take the hubs out; the parts of the persons that they held together."""
        parts = []
        for person in {id(self.person[hub]): self.person[hub] for hub in sorted(hubs)}.values():
            rest = [node for node in person.members if node not in hubs]
            for hub in set(person.members) - set(rest):
                self._leave(hub, rest, instant)
            parts += self._parts(rest)
        return parts

    def _leave(self, hub: int, rest: list[int], instant: int) -> None:
        for other in self.neighbours.pop(hub, ()):
            if other in self.neighbours:
                self.neighbours[other].discard(hub)
        del self.person[hub]
        entry, since = self.open.pop(hub)
        self.closed.extend((hub, entry, since, instant))
        if rest:
            carrier = self.ids.carriers[entry]
            self.heirs[hub] = carrier if carrier in rest else self._eldest(rest)

    def _parts(self, nodes: list[int]) -> list[Person]:
        """Connected parts of the nodes of one person."""
        unseen, parts = set(nodes), []
        for node in nodes:
            if node not in unseen:
                continue
            unseen.discard(node)
            members = [node]
            for member in members:
                for other in self.neighbours.get(member, ()):
                    if other in unseen:
                        unseen.discard(other)
                        members.append(other)
            parts.append(Person(members, self._standing(members)))
            self.person.update(dict.fromkeys(members, parts[-1]))
        return parts

    def _standing(self, members: list[int]) -> int | None:
        entries = [int(entry) for entry in self.ids.entry_of[members] if entry >= 0]
        return min(entries, key=self.ids.precedence, default=None)

    def _join(self, left: int, right: int) -> Person:
        self.neighbours[left].add(right)
        self.neighbours[right].add(left)
        large, small = self.person[left], self.person[right]
        if large is small:
            return large
        if len(large.members) < len(small.members):
            large, small = small, large
        entries = [entry for entry in (large.entry, small.entry) if entry is not None]
        entry = min(entries, key=self.ids.precedence, default=None)
        large.outdated += small.members if entry == large.entry else small.members + large.members
        large.entry = entry
        large.members += small.members
        self.person.update(dict.fromkeys(small.members, large))
        small.members, small.outdated = [], []
        return large

    def _name(self, person: Person, instant: int) -> None:
        """Mint an id if the person has none, then open spans under it."""
        if person.entry is None:
            [person.entry] = self.ids.mint([self._earliest(person.members)], [instant])
        for node in person.outdated:
            entry, since = self.open.get(node, (-1, instant))
            if entry == person.entry:
                continue
            if entry >= 0:
                self.closed.extend((node, entry, since, instant))
            self.open[node] = (person.entry, instant)
        person.outdated = []

    def _earliest(self, nodes: list[int]) -> int:
        known, priority = self.graph.known, self.graph.priority
        return min(nodes, key=lambda node: (known[node], priority[node], node))

    def _eldest(self, nodes: list[int]) -> int:
        """Who stands for the rest of a person: its account before all others, as it holds the history."""
        known, priority = self.graph.known, self.graph.priority
        return min(nodes, key=lambda node: (priority[node], known[node], node))


def _events(graph: Graph, mine: npt.NDArray[np.bool_], component: Ints) -> Iterator[Event]:
    """Everything that happens in ``mine``, component by component, in order."""
    nodes = np.flatnonzero(mine & (graph.known < graph.hub_at))
    hubs = nodes[graph.hub_at[nodes] < FOREVER]
    edges = np.flatnonzero(mine[graph.left])
    instant = np.concatenate([graph.hub_at[hubs], graph.known[nodes], graph.start[edges]])
    kind = np.repeat([HUB, BIRTH, EDGE], [len(hubs), len(nodes), len(edges)])
    left = np.concatenate([hubs, nodes, graph.left[edges]])
    right = np.concatenate([hubs, nodes, graph.right[edges]])
    columns = (component[left], instant, kind, left, right)
    order = np.lexsort(columns[::-1])
    for begin in range(0, len(order), AT_ONCE):
        yield from zip(*(column[order[begin : begin + AT_ONCE]].tolist() for column in columns), strict=True)
