"""The identity graph as arrays: identifiers as integers, edges with the span of known time in which they count.

Belongs here: encoding Arrow tables, first-known instants, hubs. Does not belong here: components and ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

TYPES = ("account", "loyalty_card", "email", "phone", "device", "cookie")
"""Identifiers of persons, the most telling first: of several first known together, the first one names the person."""

BESIDE = "household"
"""A type that is accepted and left out: a household is several people."""

DEFAULT_CAPS = {"email": 5, "phone": 5, "loyalty_card": 5, "device": 1, "cookie": 1}
"""Distinct accounts that an identifier of the type may be linked to directly; one with more is a hub."""

FOREVER = int(np.datetime64("9999-12-31", "us").astype(np.int64))
"""Open end of a span, microseconds since 1970."""


class IdentityError(ValueError):
    """The edges, the ledger or the caps cannot be used as they are; the message says why."""


@dataclass(frozen=True)
class Graph:
    """N identifiers and E edges that count for a while; instants are microseconds since 1970, UTC."""

    identifiers: pa.Array
    """(N,) strings, ascending, so that integer order is string order."""
    priority: npt.NDArray[np.int8]
    """(N,) position in ``TYPES``."""
    known: Ints
    """(N,) first instant at which the identifier was known."""
    hub_at: Ints
    """(N,) instant from which it is a hub and belongs to nobody; ``FOREVER`` for all others."""
    left: Ints
    right: Ints
    start: Ints
    """(E,) instant from which the edge counts."""
    end: Ints
    """(E,) first instant at which it no longer counts, because one of its ends has become a hub."""

    def __len__(self) -> int:
        return len(self.known)


def build(edges: pa.Table, singles: pa.Table, caps: Mapping[str, int]) -> Graph:
    """Encode edges (left_id, right_id, known_at) and lone identifiers (identifier_id, known_at).

    Raises
    ------
    IdentityError
        A missing column, a null, or a type that is unknown or has no cap.
    """
    left, right, seen = _column(edges, "left_id"), _column(edges, "right_id"), _instants(edges)
    alone, alone_seen = _column(singles, "identifier_id"), _instants(singles)
    identifiers, codes = _encode(pa.chunked_array([*left.chunks, *right.chunks, *alone.chunks], pa.string()))
    priority = _priorities(identifiers)
    known = np.full(len(identifiers), FOREVER)
    np.minimum.at(known, codes, np.concatenate([seen, seen, alone_seen]))
    u, v = codes[: len(seen)], codes[len(seen) : 2 * len(seen)]
    u, v, start = _distinct(u, v, seen, priority)
    hub_at = _hub_instants(u, v, start, priority, _checked(caps))
    end = np.minimum(hub_at[u], hub_at[v])
    counts = start < end
    known[priority < 0] = FOREVER
    return Graph(identifiers, priority, known, hub_at, u[counts], v[counts], start[counts], end[counts])


def instants(values: pa.ChunkedArray) -> Ints:
    """Timestamps as microseconds since 1970."""
    micros = values.cast(pa.timestamp("us")).cast(pa.int64())
    return micros.combine_chunks().to_numpy(zero_copy_only=False).astype(np.int64)


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise IdentityError(f"no column {name}; there are {', '.join(table.column_names)}")
    column = table[name]
    if column.null_count:
        raise IdentityError(f"{column.null_count} nulls in {name}: leave such rows out")
    return column if name == "known_at" else column.cast(pa.string())


def _instants(table: pa.Table) -> Ints:
    return instants(_column(table, "known_at"))


def _encode(strings: pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    """Distinct strings in ascending order, and each string's position among them."""
    encoded = strings.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    return encoded.dictionary.take(pa.array(order)), position[encoded.indices.to_numpy(zero_copy_only=False)]


def _priorities(identifiers: pa.Array) -> npt.NDArray[np.int8]:
    """Position of each identifier's type in ``TYPES``; -1 for households."""
    unknown = len(TYPES)
    priority = np.full(len(identifiers), unknown, dtype=np.int8)
    for value, kind in [*enumerate(TYPES), (-1, BESIDE)]:
        priority[pc.starts_with(identifiers, f"{kind}:").to_numpy(zero_copy_only=False)] = value
    if (priority == unknown).any():
        # Only what stands before the colon: what stands behind it is personal.
        strange = identifiers.filter(pa.array(priority == unknown))
        kinds = sorted({str(value).partition(":")[0] if ":" in str(value) else "(none)" for value in strange})
        raise IdentityError(f"unknown identifier types: {', '.join(kinds[:5])}; known: {', '.join(TYPES)}, {BESIDE}")
    return priority


def _distinct(u: Ints, v: Ints, seen: Ints, priority: npt.NDArray[np.int8]) -> tuple[Ints, Ints, Ints]:
    """Each pair of different person identifiers once, at its first instant."""
    between = (u != v) & (priority[u] >= 0) & (priority[v] >= 0)
    u, v, seen = u[between], v[between], seen[between]
    pair = np.minimum(u, v) * len(priority) + np.maximum(u, v)
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    earliest = np.minimum.reduceat(seen[order], first) if len(first) else seen[:0]
    return pair[first] // len(priority), pair[first] % len(priority), earliest


def _hub_instants(u: Ints, v: Ints, start: Ints, priority: npt.NDArray[np.int8], caps: Ints) -> Ints:
    """When each identifier was first known with one account more than its type's cap."""
    hub_at = np.full(len(priority), FOREVER)
    forward, backward = priority[v] == 0, priority[u] == 0
    owner = np.concatenate([u[forward], v[backward]])
    when = np.concatenate([start[forward], start[backward]])
    capped = priority[owner] > 0
    owner, when = owner[capped], when[capped]
    order = np.lexsort((when, owner))
    owner, when = owner[order], when[order]
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    nth = np.arange(len(owner)) - np.repeat(begins, np.diff(begins, append=len(owner)))
    over = nth == caps[priority[owner]]
    hub_at[owner[over]] = when[over]
    return hub_at


def _checked(caps: Mapping[str, int]) -> Ints:
    """Cap by position in ``TYPES``."""
    strange = set(caps) - set(DEFAULT_CAPS)
    if strange or any(cap < 0 for cap in caps.values()):
        raise IdentityError(f"caps need a number >= 0 for {', '.join(DEFAULT_CAPS)}, got {dict(caps)}")
    merged = {**DEFAULT_CAPS, **caps}
    return np.array([merged.get(kind, np.iinfo(np.int64).max) for kind in TYPES], dtype=np.int64)
