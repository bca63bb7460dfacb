"""What identity promises, one tiny story each."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from ml.identity import IdentityError, Resolution, customer_id_of, resolve
from ml.identity.quality import pairwise

START = datetime.fromisoformat("2025-01-01")
FOREVER = datetime.fromisoformat("9999-12-31")


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def table(columns: str, rows: list[tuple]) -> pa.Table:
    names = columns.split()
    kinds = [pa.timestamp("us") if name.endswith("_at") else pa.string() for name in names]
    filled = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table([pa.array(column, kind) for column, kind in zip(filled, kinds, strict=True)], names=names)


def run(*story: tuple, ledger: list[tuple] | None = None, caps: dict[str, int] | None = None) -> Resolution:
    """A story of (identifier, hour) and (identifier, identifier, hour)."""
    edges = [(a, b, at(hour)) for a, b, hour in (line for line in story if len(line) == 3)]
    singles = [(name, at(hour)) for name, hour in (line for line in story if len(line) == 2)]
    return resolve(
        table("left_id right_id known_at", edges),
        table("identifier_id known_at", singles),
        None if ledger is None else table("customer_id identifier_id minted_at", ledger),
        caps,
    )


def spans(result: Resolution, name: str) -> list[tuple[str, datetime, datetime]]:
    rows = [row for row in result.person_spans.to_pylist() if row["identifier_id"] == name]
    return [(row["customer_id"], row["known_from"], row["known_to"]) for row in rows]


def redirects(result: Resolution) -> list[tuple[str, str, datetime, datetime]]:
    names = ("customer_id", "surviving_customer_id", "known_from", "known_to")
    return [tuple(row[name] for name in names) for row in result.redirects.to_pylist()]


A, B, C = (f"account:{letter}" for letter in "ABC")
MAIL, COOKIE, CARD = "email:m", "cookie:k", "loyalty_card:l"


def test_an_anonymous_cookie_keeps_its_id_when_its_account_is_known():
    result = run((COOKIE, 0), (COOKIE, A, 5))
    assert spans(result, COOKIE) == [(customer_id_of(COOKIE), at(0), FOREVER)]
    assert spans(result, A) == [(customer_id_of(COOKIE), at(5), FOREVER)]
    assert result.new_ledger.to_pylist() == [
        {"customer_id": customer_id_of(COOKIE), "identifier_id": COOKIE, "minted_at": at(0)}
    ]


def test_of_identifiers_first_known_together_the_account_names_the_person():
    result = run((COOKIE, MAIL, 1), (MAIL, A, 1), ("device:d", COOKIE, 1))
    assert result.new_ledger["customer_id"].to_pylist() == [customer_id_of(A)]


def test_a_merge_keeps_the_older_id_and_the_younger_redirects_from_then_on():
    result = run((A, 0), (B, 1), (A, MAIL, 2), (B, MAIL, 3))
    old, young = customer_id_of(A), customer_id_of(B)
    assert spans(result, B) == [(young, at(1), at(3)), (old, at(3), FOREVER)]
    assert redirects(result) == [(young, old, at(3), FOREVER)]
    assert (result.summary.persons, result.summary.merges, result.summary.largest_component) == (1, 1, 3)


def test_a_chain_of_merges_redirects_every_id_to_the_last_survivor():
    result = run((C, 2), (B, 1), (A, 0), (C, B, 3), (B, A, 4))
    assert redirects(result) == [
        (customer_id_of(B), customer_id_of(A), at(4), FOREVER),
        (customer_id_of(C), customer_id_of(B), at(3), at(4)),
        (customer_id_of(C), customer_id_of(A), at(4), FOREVER),
    ]
    assert result.summary.merges == 2
    assert [since for _, since, _ in spans(result, C)] == [at(2), at(3), at(4)]


def test_a_shared_cookie_joins_until_the_second_account_is_known_and_nobody_after():
    result = run((A, COOKIE, 0), (B, COOKIE, 4))
    assert spans(result, COOKIE) == [(customer_id_of(A), at(0), at(4))]
    assert spans(result, A) == [(customer_id_of(A), at(0), FOREVER)]
    assert spans(result, B) == [(customer_id_of(B), at(4), FOREVER)]
    assert result.summary.hubs == {"cookie": 1}
    assert result.redirects.num_rows == 0


def test_an_email_is_no_hub_at_its_cap_and_one_beyond_it():
    family = [(f"account:{n}", MAIL, n) for n in range(6)]
    assert run(*family[:5]).summary.persons == 1
    beyond = run(*family)
    assert beyond.summary.persons == 6
    assert spans(beyond, MAIL) == [(customer_id_of("account:0"), at(0), at(5))]


def test_the_same_account_counts_once_towards_the_cap():
    assert run((A, COOKIE, 0), (COOKIE, A, 1), (A, COOKIE, 2)).summary.hubs == {}


def test_other_identifiers_do_not_count_towards_the_cap():
    assert run((A, COOKIE, 0), (COOKIE, MAIL, 1), (COOKIE, "device:d", 1)).summary.persons == 1


def test_the_cap_of_a_type_can_be_set():
    story = [(A, COOKIE, 0), (B, COOKIE, 4)]
    assert run(*story, caps={"cookie": 2}).summary.persons == 1


def test_after_a_split_the_part_with_the_minting_identifier_keeps_the_id_and_the_other_mints():
    result = run((A, MAIL, 0), (MAIL, COOKIE, 1), ("device:d", COOKIE, 2), (B, COOKIE, 3), (C, COOKIE, 4))
    assert spans(result, MAIL) == [(customer_id_of(A), at(0), FOREVER)]
    assert spans(result, "device:d") == [
        (customer_id_of(A), at(2), at(4)),
        (customer_id_of("device:d"), at(4), FOREVER),
    ]


def test_an_id_whose_identifier_became_a_hub_leads_to_the_account_it_stood_for():
    result = run((COOKIE, 0), (COOKIE, "device:d", 1), (COOKIE, A, 2), (B, COOKIE, 5))
    assert spans(result, A) == [(customer_id_of(COOKIE), at(2), at(5)), (customer_id_of(A), at(5), FOREVER)]
    assert redirects(result) == [(customer_id_of(COOKIE), customer_id_of(A), at(5), FOREVER)]
    assert result.summary.merges == 1


def test_who_stood_for_a_hub_is_followed_when_it_becomes_one_too():
    """The card took over from the browser, the e-mail address from the card."""
    caps = {"loyalty_card": 0, "cookie": 0}
    result = run((COOKIE, 0), (COOKIE, CARD, 1), (CARD, MAIL, 2), (COOKIE, A, 3), (CARD, B, 4), caps=caps)
    browser, card, mail = map(customer_id_of, (COOKIE, CARD, MAIL))
    assert set(redirects(result)) == {
        (browser, card, at(3), at(4)), (browser, mail, at(4), FOREVER), (card, mail, at(4), FOREVER),
    }  # fmt: skip
    assert result.summary.merges == 2


def test_a_hub_that_stood_alone_ends_and_leads_nowhere():
    result = run((COOKIE, 0), (COOKIE, A, 5), (COOKIE, B, 5))
    assert spans(result, COOKIE) == [(customer_id_of(COOKIE), at(0), at(5))]
    assert result.redirects.num_rows == 0


def test_a_household_merges_nobody_and_is_nobody():
    result = run((A, "household:h", 0), (B, "household:h", 0))
    assert result.summary.persons == result.summary.identifiers == 2
    assert spans(result, "household:h") == []


def test_late_history_renames_nobody_who_has_an_id():
    ledger = [(customer_id_of(A), A, at(10))]
    result = run((COOKIE, 3), (COOKIE, A, 5), ledger=ledger)
    assert spans(result, COOKIE) == [
        (customer_id_of(COOKIE), at(3), at(5)),
        (customer_id_of(A), at(5), FOREVER),
    ]
    [row] = result.new_ledger.to_pylist()
    assert row["minted_at"] == at(10) + timedelta(microseconds=1), "behind the last entry, not before it"


def test_ids_of_late_history_enter_the_ledger_in_the_order_they_were_known():
    result = run((A, 1), (B, 2), (C, 30), ledger=[(customer_id_of(MAIL), MAIL, at(20))])
    expected = [at(20) + timedelta(microseconds=1), at(20) + timedelta(microseconds=2), at(30)]
    assert result.new_ledger["minted_at"].to_pylist() == expected
    assert result.new_ledger["identifier_id"].to_pylist() == [A, B, C]


def test_nothing_at_all_is_nobody():
    result = run()
    assert result.person_spans.num_rows == result.new_ledger.num_rows == 0
    assert result.person_spans.schema.field("known_to").type == pa.timestamp("us")


def test_the_end_of_what_is_known_is_the_last_day_of_the_calendar():
    assert spans(run((A, 0)), A)[0][2] == FOREVER


@pytest.mark.parametrize(
    ("story", "options", "message"),
    [
        ([("passport:1", 0)], {}, "unknown identifier types: passport"),
        ([("jo@example.org", 0)], {}, r"types: \(none\)"),
        ([(None, 0)], {}, "1 nulls in identifier_id"),
        ([(A, 0)], {"caps": {"account": 2}}, "caps need a number"),
        ([(A, 0)], {"caps": {"email": -1}}, "caps need a number"),
        ([(A, 0)], {"ledger": [("c_1", A, at(0)), ("c_2", A, at(1))]}, "two customer ids"),
        ([(A, 0)], {"ledger": [("c_1", None, at(0))]}, "nulls in the ledger"),
    ],
)
def test_input_that_cannot_be_right_is_refused(story, options, message):
    with pytest.raises(IdentityError, match=message):
        run(*story, **options)


def test_an_error_never_shows_what_stands_behind_the_colon():
    with pytest.raises(IdentityError) as caught:
        run(("mail:jo@example.org", 0))
    assert "example" not in str(caught.value)


def test_a_missing_column_is_named():
    with pytest.raises(IdentityError, match="no column known_at"):
        resolve(table("left_id right_id", []), table("identifier_id known_at", []))
    tables = table("left_id right_id known_at", []), table("identifier_id known_at", [])
    with pytest.raises(IdentityError, match="ledger lacks minted_at"):
        resolve(*tables, table("customer_id identifier_id", []))


def test_quality_counts_pairs_held_together_and_pairs_that_belong_together():
    result = run((A, MAIL, 0), (B, MAIL, 1), (C, 0), (COOKIE, 2))
    truth = table("identifier_id person_id", [(A, "p"), (MAIL, "p"), (B, "q"), (C, "q"), (COOKIE, "p")])
    found = pairwise(result.person_spans, truth)
    assert (found.together, found.truly_together, found.both) == (3, 4, 1)
    assert (found.precision, found.recall) == (1 / 3, 1 / 4)
    before = pairwise(result.person_spans, truth, as_of=at(0.5))
    assert (before.precision, before.recall) == (1.0, 1 / 4)
