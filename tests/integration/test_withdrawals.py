"""A consent that is withdrawn acts when it lands, in Postgres and in the files' views, and can be given again."""

import duckdb
import psycopg
from worlds import Deployment

from orchestration.landing import land
from orchestration.publishing.files import current_generation
from orchestration.publishing.server import postgres_url
from orchestration.withdrawals import follow_withdrawals
from orchestration.workspace import Workspace

HEADER = "account_id,email,phone,purpose,channel,decision,decided_at,source,exported_at\n"


def deliver(workspace: Workspace, account: str, decision: str, day: str) -> dict[str, int]:
    """Land one decision about profiling and let the live tables follow."""
    row = f"{account},,,profiling,,{decision},{day}T10:00:00Z,agent,{day}T11:00:00Z\n"
    (workspace.landing_folder / f"consents_{day}-{decision}.csv").write_text(HEADER + row)
    land(workspace.shop, workspace.state, workspace.landing_folder, now=workspace.now(), settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    return follow_withdrawals(workspace)


def seen(workspace: Workspace, account: str) -> tuple[object, object]:
    """The customer's probability as Postgres and as the views of the files show it."""
    generation = current_generation(workspace.state.published)
    assert generation is not None
    select = "select churn_probability from crm.customer_scores where external_id = "
    with psycopg.connect(postgres_url(None, workspace.state.postgres)) as connection:
        in_postgres = connection.execute(f"{select}%s", [account]).fetchone()  # type: ignore[arg-type]
    with duckdb.connect(str(generation.views), read_only=True) as views:
        in_files = views.execute(f"{select}?", [account]).fetchone()
    assert in_postgres is not None
    assert in_files is not None
    return in_postgres[0], in_files[0]


def test_a_withdrawal_hides_the_score_at_once_and_a_new_grant_shows_it_again(finished_demo: Deployment) -> None:
    workspace = finished_demo.workspace
    generation = current_generation(workspace.state.published)
    assert generation is not None
    found = duckdb.sql(
        f"select external_id from '{generation.file('customer_scores')}' where status = 'scored' "
        "and external_id is not null order by customer_id desc limit 1"
    ).fetchone()
    assert found is not None
    account = found[0]
    assert None not in seen(workspace, account)

    assert deliver(workspace, account, "withdrawn", "2025-09-28")["withdrawn"] >= 1
    assert seen(workspace, account) == (None, None)

    assert deliver(workspace, account, "granted", "2025-09-29")["granted again"] >= 1
    assert None not in seen(workspace, account)
