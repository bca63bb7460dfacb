"""What customers take back acts when it lands, in Postgres and in the files' views: a consent, and all that we know."""

import json
from datetime import datetime

import duckdb
import psycopg
from worlds import Deployment

from orchestration.activation import publisher
from orchestration.inputs import shared_identifiers
from orchestration.landing import land
from orchestration.publishing.files import current_generation
from orchestration.publishing.server import postgres_url
from orchestration.withdrawals import follow_withdrawals, weigh_newer
from orchestration.workspace import Workspace

ABSENT = "absent"
HEADER = "account_id,email,phone,purpose,channel,decision,decided_at,source,exported_at\n"


def landed(workspace: Workspace, file: str, text: str) -> None:
    (workspace.landing_folder / file).write_text(text)
    land(workspace.shop, workspace.state, workspace.landing_folder, now=workspace.now(), settle_seconds=0,
         connect=workspace.connect)  # fmt: skip


def deliver(workspace: Workspace, account: str, decision: str, day: str) -> dict[str, int]:
    """Land one decision about profiling and let the live tables follow."""
    row = f"{account},,,profiling,,{decision},{day}T10:00:00Z,agent,{day}T11:00:00Z\n"
    landed(workspace, f"consents_{day}-{decision}.csv", HEADER + row)
    return follow_withdrawals(workspace)


def scored(workspace: Workspace, nth: int) -> str:
    """The account of a customer with a score."""
    generation = current_generation(workspace.state.published)
    assert generation is not None
    found = duckdb.sql(
        f"select external_id from '{generation.file('customer_scores')}' where status = 'scored' "
        f"and external_id is not null order by customer_id desc limit 1 offset {nth}"
    ).fetchone()
    assert found is not None
    return str(found[0])


def seen(workspace: Workspace, account: str) -> tuple[object, object]:
    """The customer's probability as Postgres and as the views of the files show it; ``ABSENT`` without a row."""
    generation = current_generation(workspace.state.published)
    assert generation is not None
    select = "select churn_probability from crm.customer_scores where external_id = "
    with psycopg.connect(postgres_url(None, workspace.state.postgres)) as connection:
        in_postgres = connection.execute(f"{select}%s", [account]).fetchone()  # type: ignore[arg-type]
    with duckdb.connect(str(generation.views), read_only=True) as views:
        in_files = views.execute(f"{select}?", [account]).fetchone()
    return (in_postgres or [ABSENT])[0], (in_files or [ABSENT])[0]


def test_a_withdrawal_hides_the_score_at_once_and_a_new_grant_shows_it_again(finished_demo: Deployment) -> None:
    workspace = finished_demo.workspace
    account = scored(workspace, 0)
    assert None not in seen(workspace, account)

    assert deliver(workspace, account, "withdrawn", "2025-09-28")["withdrawn"] >= 1
    assert seen(workspace, account) == (None, None)

    assert deliver(workspace, account, "granted", "2025-09-29")["granted again"] >= 1
    assert None not in seen(workspace, account)


def test_who_had_asked_to_be_erased_stands_in_no_table(finished_demo: Deployment) -> None:
    workspace = finished_demo.workspace
    generation = current_generation(workspace.state.published)
    assert generation is not None
    requests, as_of = workspace.state.raw / "erasure_requests", generation.manifest.weighed_at
    asked = f"select account_id from '{requests}/*/rows.parquet' where requested_at < '{as_of}'"
    assert duckdb.sql(asked).shape[0] > 0
    found = duckdb.sql(f"from '{generation.file('customer_identifiers')}' where identifier in ({asked})")
    assert found.shape[0] == 0
    published = f"select distinct customer_id from '{generation.file('customer_identifiers')}'"
    for table in ("customer_scores", "customer_profiles", "recommendations", "next_best_actions", "suppressed_actions",
                  "audience_membership", "holdout_assignments"):  # fmt: skip
        strangers = duckdb.sql(f"from '{generation.file(table)}' where customer_id not in ({published})")
        assert strangers.shape[0] == 0, table


def test_who_asks_to_be_erased_is_gone_from_every_view_at_once(finished_demo: Deployment) -> None:
    workspace = finished_demo.workspace
    account = scored(workspace, 1)
    assert None not in seen(workspace, account)
    at = {"requested_at": "2025-09-28T10:00:00Z", "exported_at": "2025-09-28T11:00:00Z"}
    request = json.dumps({"request_id": "R-1", "account_id": account, **at}) + "\n"
    landed(workspace, "erasure_requests_2025-09-28.jsonl", request)
    assert follow_withdrawals(workspace)["asked to be erased"] == 1
    assert seen(workspace, account) == (ABSENT, ABSENT)
    assert follow_withdrawals(workspace)["asked to be erased"] == 0, "hidden already"
    last = max(publisher(workspace).privacy.suppressed(), key=lambda row: row["since"])
    assert str(last["since"]) == "2025-09-28 11:00:00", "when we learned of it, so that a replay says the same"


def test_a_run_keeps_whom_shared_identifiers_mean_for_what_lands_after_it(finished_demo: Deployment) -> None:
    workspace = finished_demo.workspace
    generation = current_generation(workspace.state.published)
    assert generation is not None
    kept = duckdb.sql(f"from '{shared_identifiers(workspace.state, generation.manifest.as_of_date)}'")
    assert kept.columns == ["identifier_id", "customer_id"]


def test_what_was_said_since_the_as_of_counts_before_a_generation_is_written(finished_demo: Deployment) -> None:
    workspace = finished_demo.workspace
    privacy, generation = publisher(workspace).privacy, current_generation(workspace.state.published)
    assert generation is not None
    account = scored(workspace, 2)
    row = f"{account},,,profiling,,withdrawn,2025-09-28T10:00:00Z,agent,2025-09-28T11:00:00Z\n"
    landed(workspace, "consents_before-writing.csv", HEADER + row)
    before = len(privacy.withdrawn())
    identifiers, as_of = generation.file("customer_identifiers"), generation.manifest.weighed_at
    weigh_newer(workspace, identifiers, as_of)
    assert len(privacy.withdrawn()) == before + 1
    weigh_newer(workspace, identifiers, as_of)
    assert len(privacy.withdrawn()) == before + 1, "once is enough"


def test_what_was_granted_again_before_the_next_as_of_is_lifted_when_that_is_written(finished_demo: Deployment) -> None:
    """Nobody followed in between, so that the grant is older than the as-of and newer than the withdrawal."""
    workspace = finished_demo.workspace
    privacy, generation = publisher(workspace).privacy, current_generation(workspace.state.published)
    assert generation is not None
    account = scored(workspace, 3)
    row = "{},,,profiling,,{},2025-09-{}T10:00:00Z,agent,{}T11:00:00Z\n"
    landed(workspace, "consents_taken-back.csv", HEADER + row.format(account, "withdrawn", 28, "2025-09-28"))
    identifiers, as_of = generation.file("customer_identifiers"), generation.manifest.weighed_at
    before = {row["customer_id"] for row in privacy.withdrawn()}
    weigh_newer(workspace, identifiers, as_of)
    assert len({row["customer_id"] for row in privacy.withdrawn()} - before) == 1

    landed(workspace, "consents_regretted.csv", HEADER + row.format(account, "granted", 29, "2025-09-29"))
    weigh_newer(workspace, identifiers, datetime(2025, 9, 30))  # noqa: DTZ001 (naive UTC, as in the manifest)
    assert {row["customer_id"] for row in privacy.withdrawn()} == before


def test_what_was_taken_back_between_the_as_of_and_the_run_is_not_even_in_the_files(finished_demo: Deployment) -> None:
    """The demo's files reach beyond its as-of, so its first run has such words to weigh before it writes."""
    workspace = finished_demo.workspace
    generation = current_generation(workspace.state.published)
    assert generation is not None
    found = duckdb.sql(f"""
        with taken_back as (
            select account_id from '{workspace.state.raw}/consents/*/rows.parquet'
            where purpose = 'marketing' and coalesce(channel, 'email') = 'email' and account_id is not null
            qualify row_number() over (partition by account_id order by occurred_at desc, decision desc) = 1
                and decision = 'withdrawn' and occurred_at >= '{generation.manifest.weighed_at}'
        )
        select may_email from '{generation.file("customer_scores")}' as s
        inner join taken_back on s.external_id = taken_back.account_id
    """).fetchall()
    assert found
    assert not any(may_email for (may_email,) in found)
