"""Withdrawn consents and requests to be erased act when they land, not when the next as-of is scored.

Belongs here: comparing what customers decided with what the live tables say. Does not belong here: reading what they
decided (``voices``) and the live tables themselves (``publishing.suppression``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration import voices
from orchestration.activation import contract, customers_of, publisher
from orchestration.inputs import person_spans
from orchestration.landing import load_contract
from orchestration.publishing.engine import parquet
from orchestration.publishing.files import Outcome
from orchestration.publishing.suppression import Changes, Name, Privacy, Question, question
from orchestration.triggers import base_inputs
from orchestration.workspace import Workspace

ASKED_FOR_ERASURE = "asked to be erased"
EVER = datetime(1, 1, 1)  # noqa: DTZ001 (naive UTC, as in the lists)


def follow_withdrawals(workspace: Workspace) -> dict[str, int]:
    """Bring the live tables up to the decisions that have landed; returns how many came and went.

    Only consents that the published generation could not know of: the others it has weighed already. What a customer
    granted again afterwards is lifted. Who asked to be erased is hidden, and stays so; where it is not known which of
    several asked, nothing is permitted of any until it is. What is in force of a customer is in force of everybody who
    has an identifier of theirs by now, as after a merge or a split of persons.

    Raises
    ------
    SinkUnavailableError
        Hidden in files, not yet in Postgres; the next publish brings it up before it shows anything new.
    """
    target = publisher(workspace)
    generation = target.files.current()
    if generation is None:
        return {"withdrawn": 0, "granted again": 0, "asked to be erased": 0}
    news = _changes(workspace, generation.file("customer_identifiers"), generation.manifest.weighed_at)
    if news:
        target.obey(news)
    erased = sum(reason == ASKED_FOR_ERASURE for _, reason in news.hidden.values())
    return {"withdrawn": len(news.withdrawn), "granted again": len(news.granted), "asked to be erased": erased}


def weigh_newer(workspace: Workspace, identifiers: Path, as_of: datetime, spans: Path | None = None) -> None:
    """Before readers see a generation: hide what was taken back since its as-of, show what was granted again.

    Parameters
    ----------
    identifiers
        The ``customer_identifiers`` that are about to be published.
    as_of
        Up to when the tables have weighed all decisions, naive UTC.
    spans
        Person spans of a newer generation, by whose identifiers the same persons are known as well.
    """
    publisher(workspace).privacy.follow(_changes(workspace, identifiers, as_of, spans))


def suppress(workspace: Workspace, external_ids: Sequence[str], reason: str) -> dict[str, str]:
    """Hide customers by the shop's own numbers; returns the customer id of each one that is published.

    Any other is kept by the number, and hidden as soon as a generation that readers see has it.

    Raises
    ------
    SinkUnavailableError
        Hidden in files, not yet in Postgres; the next publish brings it up before it shows anything new.
    """
    target, found = publisher(workspace), customers_of(workspace, external_ids)
    since = workspace.now().replace(tzinfo=None)
    accounts = [f"account:{one}" for one in external_ids if one not in found]
    names = frozenset((account, account) for account in accounts)
    if current := target.files.current():
        with voices.people(workspace, current.file("customer_identifiers")) as connection:
            names |= _names(connection, found.values())
    target.obey(Changes(dict.fromkeys([*found.values(), *accounts], (since, reason)), names))
    return found


def roll_back(workspace: Workspace, to: str | None = None) -> tuple[Outcome, Outcome]:
    """Point readers of both sinks to an earlier generation, with all that was taken back since withheld from it.

    What the newer generation had weighed itself never had to act live. Errors as for ``Publisher.rollback``.
    """
    target = publisher(workspace)
    earlier, current = target.files.way_back(to), target.files.current()
    # Who has asked to be erased is in no table of the newer generation, but in its spans.
    spans = person_spans(workspace.state, base_inputs(workspace.state, current)) if current else None
    weigh_newer(workspace, earlier.file("customer_identifiers"), earlier.manifest.weighed_at, spans)
    return target.rollback(earlier.generation_id)


def _changes(workspace: Workspace, identifiers: Path, as_of: datetime, spans: Path | None = None) -> Changes:
    """How what has landed differs from what is in force of the customers of a generation."""
    privacy = publisher(workspace).privacy
    listed = {question(row): (row["withdrawn_at"], row["request_id"]) for row in privacy.withdrawn()}
    hidden = {row["customer_id"]: (row["since"], row["reason"]) for row in privacy.suppressed()}
    with voices.people(workspace, identifiers, spans) as connection:
        answered, heirs = voices.answered(connection, workspace), _heirs(connection, privacy)
        live = {one: taken for one, taken in listed.items() if taken[1] not in answered}
        passed = {
            (heir, purpose, channel): taken
            for (customer, purpose, channel), taken in live.items()
            for heir in heirs[customer]
            if (heir, purpose, channel) not in live
        }
        words = voices.words(connection, workspace, as_of, {customer for customer, _, _ in live | passed})
        gone = {heir: entry for customer, entry in hidden.items() for heir in heirs[customer]}
        gone |= {one: (since, ASKED_FOR_ERASURE) for one, since in voices.asked(connection, workspace).items()}
        fresh = {
            one: (word.learned_at, word.request_id)
            for one, word in words.items()
            if word.decision == "withdrawn" and word.learned_at >= as_of and one not in live | passed
        }
        by_channel = {need.purpose for table in contract().tables for need in table.needed if need.channel}
        standing = {
            left: taken
            for one, taken in (fresh | passed | live).items()
            for left in _left(words, one, EVER if one in fresh else taken[0], by_channel)
        }
        names = _names(connection, {*hidden, *gone, *(customer for customer, _, _ in live | standing)})
    return Changes(
        hidden={one: entry for one, entry in gone.items() if one not in hidden},
        names=names,
        withdrawn={one: taken for one, taken in standing.items() if one not in live},
        granted=frozenset(listed.keys() - (live.keys() & standing.keys())),
    )


def _heirs(connection: duckdb.DuckDBPyConnection, privacy: Privacy) -> Mapping[str, list[str]]:
    """Of customers in the lists, who else in the generation has an identifier that was theirs."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    privacy.prepare()
    select = f"""
        select distinct listed.customer_id, shown.customer_id
        from {parquet(privacy.identifiers)} as listed inner join shown using (identifier_id)
        where listed.customer_id <> shown.customer_id order by all
        """
    for customer, heir in connection.execute(select).fetchall():
        found[customer].append(heir)
    return found


def _names(connection: duckdb.DuckDBPyConnection, customers: Collection[str]) -> frozenset[Name]:
    """By what customers are known: a device or a browser, which others use too, only where there is nothing else."""
    select = """
        select customer_id, identifier_id from shown
        where customer_id in (select unnest($customers))
        qualify identifier_id not similar to '(device|cookie):.*' or bool_and(
            identifier_id similar to '(device|cookie):.*'
        ) over (partition by customer_id)
        """
    return frozenset(connection.execute(select, {"customers": list(customers)}).fetchall())


def _left(
    words: Mapping[Question, voices.Word], one: Question, since: datetime, by_channel: Collection[str]
) -> list[Question]:
    """What is left of a withdrawal after what was said since: all, nothing, or the channels not granted again.

    Parameters
    ----------
    by_channel
        Purposes that are asked for by channel. Any other is one question, of which the last word counts on whichever
        channel it was said, as in ``customer_permissions``.
    """
    customer, purpose, channel = one
    channels = next(one.allowed for one in load_contract()["consents"].columns if one.name == "channel")
    if purpose not in by_channel:
        return [] if _is_granted_since(words, customer, purpose, (None, *channels), since) else [one]
    if channel is not None:
        return [] if _is_granted_since(words, customer, purpose, (None, channel), since) else [one]
    left = [other for other in channels if not _is_granted_since(words, customer, purpose, (None, other), since)]
    return [one] if len(left) == len(channels) else [(customer, purpose, other) for other in left]


def _is_granted_since(
    words: Mapping[Question, voices.Word], customer: str, purpose: str, channels: Sequence[str | None], since: datetime
) -> bool:
    """Whether the last word on any of the channels is a grant that we learned of after the withdrawal."""
    said = [words[one] for channel in channels if (one := (customer, purpose, channel)) in words]
    last = max(said, key=lambda word: word.order, default=None)
    return last is not None and last.decision == "granted" and last.learned_at > since
