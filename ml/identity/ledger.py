"""Customer ids: how one is minted, which of several a person bears, and the ledger that only grows.

Belongs here: the order of precedence among ids and the ledger's clock. Does not belong here: who is connected to
whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.identity.graph import Graph, IdentityError, Ints, instants

SCHEMA = pa.schema([("customer_id", pa.string()), ("identifier_id", pa.string()), ("minted_at", pa.timestamp("us"))])


def customer_id_of(identifier_id: str) -> str:
    """The id minted from an identifier: ``c_`` and the first 16 hex digits of its SHA-256.

    >>> customer_id_of("account:1")
    'c_53fb4b64058bcaa2'
    """
    return "c_" + sha256(identifier_id.encode()).hexdigest()[:16]


@dataclass
class Ids:
    """Ids as entries 0, 1, …: those of the ledger first, in order of precedence, then the newly minted.

    An entry says which identifier carries which customer id. ``precedence`` compares two entries: the ledger before
    the new (so that late history renames nobody), the earlier minted before the later, then by customer id.
    """

    customer_ids: list[str]
    carriers: list[int]
    """Identifier that carries each entry, -1 where it is not in the graph."""
    minted: list[int]
    """Instant of each entry."""
    in_ledger: int
    """How many entries come from the ledger."""
    entry_of: Ints
    """(N,) entry that each identifier carries, -1 for none."""
    _identifiers: pa.Array = field(repr=False, default=None)

    def precedence(self, entry: int) -> tuple[bool, int, str]:
        """Sort key: the entry with the least one names the person."""
        return entry >= self.in_ledger, self.minted[entry], self.customer_ids[entry]

    def mint(self, identifiers: Iterable[int], at: Iterable[int]) -> list[int]:
        """New entries, one for each identifier, minted at its instant."""
        nodes = list(identifiers)
        first = len(self.carriers)
        self.customer_ids += [customer_id_of(self._identifiers[node].as_py()) for node in nodes]
        self.carriers += nodes
        self.minted += at
        entries = list(range(first, len(self.carriers)))
        self.entry_of[nodes] = entries
        return entries

    def ranks(self) -> Ints:
        """(entries,) position of each entry in order of precedence."""
        new = np.arange(len(self.carriers)) >= self.in_ledger
        keys = {
            "new": new,
            "minted": np.array(self.minted, dtype=np.int64),
            "id": pa.array(self.customer_ids, pa.string()),
        }
        order = pc.sort_indices(pa.table(keys), [(name, "ascending") for name in keys]).to_numpy()
        ranks = np.empty(len(order), dtype=np.int64)
        ranks[order] = np.arange(len(order))
        return ranks

    def new_rows(self) -> pa.Table:
        """Ledger rows of the entries minted here, sorted by instant and customer id.

        The ledger has a clock of its own that only goes forward: an id minted from late history is entered just
        behind the last entry, or else it would overtake people who already have an id.
        """
        instants_, inverse = np.unique(np.array(self.minted[self.in_ledger :], dtype=np.int64), return_inverse=True)
        if len(instants_) and self.in_ledger:
            steps = np.arange(len(instants_))
            behind = np.maximum(instants_, max(self.minted[: self.in_ledger]) + 1)
            instants_ = np.maximum.accumulate(behind - steps) + steps
        carriers = pa.array(self.carriers[self.in_ledger :], pa.int64())
        minted = pa.array(instants_[inverse].astype("datetime64[us]"), pa.timestamp("us"))
        columns = [pa.array(self.customer_ids[self.in_ledger :], pa.string()), self._identifiers.take(carriers), minted]
        return pa.table(columns, schema=SCHEMA).sort_by([("minted_at", "ascending"), ("customer_id", "ascending")])


def read(ledger: pa.Table | None, graph: Graph) -> Ids:
    """The ledger so far (customer_id, identifier_id, minted_at) as entries over the graph's identifiers.

    Raises
    ------
    IdentityError
        A missing column, a null, or an identifier that carries two ids.
    """
    table = (SCHEMA.empty_table() if ledger is None else ledger).select(_columns(ledger)).cast(SCHEMA)
    if any(column.null_count for column in table.columns):
        raise IdentityError("nulls in the ledger: it was not written by this release; restore a backup")
    table = table.sort_by([("minted_at", "ascending"), ("customer_id", "ascending")])
    if len(pc.unique(table["identifier_id"])) < len(table):
        raise IdentityError("an identifier carries two customer ids in the ledger: rows were appended twice")
    carriers = pc.index_in(table["identifier_id"], graph.identifiers).fill_null(-1).combine_chunks().to_numpy()
    present = np.flatnonzero(carriers >= 0)
    entry_of = np.full(len(graph), -1, dtype=np.int64)
    entry_of[carriers[present]] = present
    return Ids(
        customer_ids=table["customer_id"].to_pylist(),
        carriers=carriers.tolist(),
        minted=instants(table["minted_at"]).tolist(),
        in_ledger=len(table),
        entry_of=entry_of,
        _identifiers=graph.identifiers,
    )


def _columns(ledger: pa.Table | None) -> list[str]:
    missing = [] if ledger is None else [name for name in SCHEMA.names if name not in ledger.column_names]
    if missing:
        raise IdentityError(f"the ledger lacks {', '.join(missing)}")
    return list(SCHEMA.names)
