"""Identity against a slow and obvious recomputation of everybody at every instant."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity import DEFAULT_CAPS, TYPES, Resolution, customer_id_of, resolve

START = datetime.fromisoformat("2025-01-01")
FOREVER = datetime.fromisoformat("9999-12-31")
CAPS = {"email": 2, "phone": 2, "loyalty_card": 2, "device": 1, "cookie": 1}
Pair = tuple[str, str, int]
Row = tuple[str, str, datetime]


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def edge_table(pairs: list[Pair]) -> pa.Table:
    left, right, hours = zip(*pairs, strict=True) if pairs else ((), (), ())
    return pa.table({
        "left_id": pa.array(left, pa.string()), "right_id": pa.array(right, pa.string()),
        "known_at": pa.array([at(hour) for hour in hours], pa.timestamp("us")),
    })  # fmt: skip


def single_table(rows: list[tuple[str, int]]) -> pa.Table:
    names, hours = zip(*rows, strict=True) if rows else ((), ())
    instants = pa.array([at(hour) for hour in hours], pa.timestamp("us"))
    return pa.table({"identifier_id": pa.array(names, pa.string()), "known_at": instants})


def ledger_table(rows: list[Row]) -> pa.Table:
    customers, names, minted = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table({
        "customer_id": pa.array(customers, pa.string()), "identifier_id": pa.array(names, pa.string()),
        "minted_at": pa.array(minted, pa.timestamp("us")),
    })  # fmt: skip


def kind(name: str) -> str:
    return name.partition(":")[0]


class Reference:
    """Everybody at every instant, each time from nothing but the edges known by then."""

    def __init__(self, pairs: list[Pair], singles: list[tuple[str, int]], ledger: list[Row]) -> None:
        self.pairs = pairs
        self.seen = sorted({*singles, *((x, h) for a, b, h in pairs for x in (a, b))}, key=lambda row: row[1])
        self.known: dict[str, int] = {}
        for name, hour in self.seen:
            self.known.setdefault(name, hour)
        self.entries = {name: (False, minted, customer) for customer, name, minted in ledger}
        self.instants = sorted({hour for _, hour in self.seen})
        self.minted: list[tuple[str, str, int]] = []
        self.who = {hour: self._who(hour) for hour in self.instants}

    def _hubs(self, hour: int) -> set[str]:
        accounts: dict[str, set[str]] = {}
        for a, b, known in self.pairs:
            for x, y in ((a, b), (b, a)):
                if known <= hour and kind(y) == "account" and kind(x) in CAPS:
                    accounts.setdefault(x, set()).add(y)
        return {name for name, linked in accounts.items() if len(linked) > CAPS[kind(name)]}

    def _persons(self, hour: int) -> list[set[str]]:
        hubs = self._hubs(hour)
        persons = [{n} for n, known in self.known.items() if known <= hour and n not in hubs and kind(n) in TYPES]
        for a, b, known in self.pairs:
            met = [person for person in persons if person & {a, b}]
            if known <= hour and len(met) == 2 and not {a, b} & hubs and kind(a) in TYPES and kind(b) in TYPES:
                persons = [person for person in persons if person not in met] + [met[0] | met[1]]
        return persons

    def _who(self, hour: int) -> dict[str, str]:
        who = {}
        for person in self._persons(hour):
            if not any(name in self.entries for name in person):
                first = min(person, key=lambda name: (self.known[name], TYPES.index(kind(name)), name))
                self.entries[first] = (True, at(hour), customer_id_of(first))
                self.minted.append((customer_id_of(first), first, hour))
            best = min(self.entries[name] for name in person if name in self.entries)
            who.update(dict.fromkeys(person, best[2]))
        return who


def who(result: Resolution, moment: datetime) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in result.person_spans.to_pylist():
        if row["known_from"] <= moment < row["known_to"]:
            assert row["identifier_id"] not in found, "two spans at one instant"
            found[row["identifier_id"]] = row["customer_id"]
    return found


def led(result: Resolution, moment: datetime) -> dict[str, str]:
    rows = [row for row in result.redirects.to_pylist() if row["known_from"] <= moment < row["known_to"]]
    found = {row["customer_id"]: row["surviving_customer_id"] for row in rows}
    assert len(found) == len(rows), "two redirects of an id at one instant"
    return found


names = st.builds(
    lambda k, n: f"{k}:{n}",
    st.sampled_from(["account", "account", "account", "email", "phone", "device", "cookie", "cookie", "household"]),
    st.integers(0, 3),
)
hours = st.integers(0, 6)
graphs = st.tuples(st.lists(st.tuples(names, names, hours), max_size=18), st.lists(st.tuples(names, hours), max_size=5))
ledgers = st.dictionaries(names, st.integers(0, 8), max_size=4).map(
    lambda minted: [(customer_id_of(name), name, at(hour)) for name, hour in minted.items()]
)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(graphs, ledgers)
def test_spans_say_who_was_who_at_every_instant_exactly_as_a_recomputation_does(graph, ledger):
    pairs, singles = graph
    reference = Reference(pairs, singles, ledger)
    result = resolve(edge_table(pairs), single_table(singles), ledger_table(ledger), CAPS)
    for hour in reference.instants:
        assert who(result, at(hour)) == reference.who[hour]
        assert who(result, at(hour) + timedelta(minutes=59)) == reference.who[hour]
    minted = {(row["customer_id"], row["identifier_id"]) for row in result.new_ledger.to_pylist()}
    assert minted == {(customer, name) for customer, name, _ in reference.minted}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(graphs, ledgers, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(graph, ledger, rng: random.Random):
    pairs, singles = graph
    first = resolve(edge_table(pairs), single_table(singles), ledger_table(ledger), CAPS)
    turned = [(b, a, hour) if rng.random() < 0.5 else (a, b, hour) for a, b, hour in pairs] + pairs[:3]
    for rows in (turned, singles, ledger):
        rng.shuffle(rows)
    again = resolve(edge_table(turned), single_table(singles), ledger_table(ledger), CAPS)
    for table in ("person_spans", "new_ledger", "redirects"):
        assert getattr(first, table).equals(getattr(again, table)), table
    assert first.summary == again.summary


@settings(max_examples=50, deadline=None, derandomize=True)
@given(graphs, ledgers)
def test_with_its_own_ledger_a_second_run_says_the_same_and_mints_nothing(graph, ledger):
    tables = edge_table(graph[0]), single_table(graph[1])
    first = resolve(*tables, ledger_table(ledger), CAPS)
    grown = pa.concat_tables([ledger_table(ledger), first.new_ledger])
    second = resolve(*tables, grown, CAPS)
    assert len(second.new_ledger) == 0
    assert second.person_spans.equals(first.person_spans)
    assert second.redirects.equals(first.redirects)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(graphs, st.integers(0, 6))
def test_what_becomes_known_later_changes_nothing_before(graph, hour):
    pairs, singles = graph
    early = [pair for pair in pairs if pair[2] <= hour], [row for row in singles if row[1] <= hour]
    then = resolve(edge_table(early[0]), single_table(early[1]), None, CAPS)
    now = resolve(edge_table(pairs), single_table(singles), then.new_ledger, CAPS)
    for moment in range(hour + 1):
        assert who(now, at(moment)) == who(then, at(moment))
    assert min(now.new_ledger["minted_at"].to_pylist(), default=FOREVER) > max(
        then.new_ledger["minted_at"].to_pylist(), default=START - timedelta(1)
    )


@settings(max_examples=50, deadline=None, derandomize=True)
@given(graphs)
def test_a_redirect_leads_from_an_id_that_nobody_bears_to_one_that_somebody_bears(graph):
    result = resolve(edge_table(graph[0]), single_table(graph[1]), None, CAPS)
    for moment in (*map(at, range(7)), FOREVER - timedelta(1)):
        borne = set(who(result, moment).values())
        for old, new in led(result, moment).items():
            assert old not in borne
            assert new in borne
    assert len(borne) == result.summary.persons
    assert set(DEFAULT_CAPS) == set(CAPS)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(graphs, st.integers(0, 6))
def test_what_becomes_known_later_changes_no_redirect_before(graph, hour):
    pairs, singles = graph
    early = [pair for pair in pairs if pair[2] <= hour], [row for row in singles if row[1] <= hour]
    then = resolve(edge_table(early[0]), single_table(early[1]), None, CAPS)
    now = resolve(edge_table(pairs), single_table(singles), then.new_ledger, CAPS)
    for moment in range(hour + 1):
        assert led(now, at(moment)) == led(then, at(moment))
