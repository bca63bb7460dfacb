"""What becomes of an address or a browser that more people prove to share than one person may."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from worlds import Deployment, built, corner_shop

from ml.identity import customer_id_of
from orchestration import inputs
from orchestration.execution import Outcome
from orchestration.identity import keep_shared_identifiers
from orchestration.privacy.keys import load_keys
from orchestration.privacy.tokens import token
from orchestration.progress import Progress
from orchestration.summary import close

AS_OF = date(2025, 6, 1)
COLUMNS = {
    "orders": "order_id,line_number,ordered_at,account_id,email,cookie_id,product_id,quantity,unit_price,exported_at",
    "consents": "account_id,email,purpose,channel,decision,decided_at,exported_at",
    "erasure_requests": "request_id,account_id,email,requested_at,exported_at",
}
FAMILY = [f"F{n},1,2025-05-1{n}T10:00:00Z,F{n},fam@x.org,,P1,1,10,2025-05-1{n}T12:00:00Z" for n in range(1, 7)]
SINGLE = ["G1,1,2025-05-11T10:00:00Z,G1,g1@x.org,,P1,1,10,2025-05-11T12:00:00Z"]
GRANTS = [
    f"{account},,marketing,email,granted,2025-05-20T10:00:00Z,2025-05-20T11:00:00Z"
    for account in ("F1", "F2", "F3", "F4", "F5", "F6", "G1")
]
ASKED = "2025-05-25T10:00:00Z,2025-05-25T11:00:00Z"


def shop(folder: Path, **rows: list[str]) -> Deployment:
    """A shop with a file of each kind, all of it known when it was exported."""
    touchpoints = {kind: {"files": f"{kind}*.csv", "known_at": "exported_at"} for kind in COLUMNS}
    deployment = corner_shop(folder, "", touchpoints=touchpoints)
    for kind, lines in rows.items():
        text = "\n".join([COLUMNS[kind], *lines]) + "\n"
        (deployment.workspace.landing_folder / f"{kind}.csv").write_text(text)
    return deployment


def permitted(deployment: Deployment) -> dict[str, set[str]]:
    """Purposes that stand permitted by account; who is erased is absent."""
    workspace = built(deployment, AS_OF, "+customer_permissions")
    with workspace.warehouse() as warehouse:
        found = warehouse.execute("""
            select substring(identifier_id, 9), list(distinct purpose) filter (is_granted)
            from marts.customer_permissions
            inner join intermediate.int_identifiers_now using (customer_id)
            where identifier_id like 'account:%'
            group by 1
        """)
        return {account: set(purposes or ()) for account, purposes in found.fetchall()}


EVERYTHING_SAID = {"service", "profiling", "marketing"}


def test_a_withdrawal_by_a_shared_address_reaches_everybody_who_orders_with_it(tmp_path: Path) -> None:
    """What lands later reaches them by what is kept of that."""
    taken_back = [f",fam@x.org,marketing,email,withdrawn,{ASKED}"]
    deployment = shop(tmp_path, orders=FAMILY + SINGLE, consents=GRANTS + taken_back)
    found = permitted(deployment)
    assert found == {**{f"F{n}": {"service", "profiling"} for n in range(1, 7)}, "G1": EVERYTHING_SAID}

    workspace = deployment.workspace
    keep_shared_identifiers(workspace, inputs.pinned(workspace.state, AS_OF.isoformat()))
    kept = pq.read_table(inputs.shared_identifiers(workspace.state, AS_OF.isoformat())).to_pylist()
    address = f"email:{token(load_keys(workspace.state).tokens, 'email', 'fam@x.org')}"
    assert {row["identifier_id"] for row in kept} == {address}
    assert {row["customer_id"] for row in kept} == {customer_id_of(f"account:F{n}") for n in range(1, 7)}


def test_nothing_is_permitted_of_anybody_who_may_have_asked_to_be_erased_and_the_run_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    deployment = shop(tmp_path, orders=FAMILY + SINGLE, consents=GRANTS, erasure_requests=[f"r1,,fam@x.org,{ASKED}"])
    assert permitted(deployment) == {**{f"F{n}": set() for n in range(1, 7)}, "G1": EVERYTHING_SAID}

    finished = Outcome("r1", AS_OF, True, (), None)
    assert close(deployment.workspace, finished, Progress()) == 0
    assert "1 request(s) to be erased name only an address" in capfd.readouterr().out

    again = "\n".join([COLUMNS["erasure_requests"], f"r1,F3,fam@x.org,{ASKED}"])
    (deployment.workspace.landing_folder / "erasure_requests_2.csv").write_text(again + "\n")
    others = {f"F{n}": EVERYTHING_SAID for n in (1, 2, 4, 5, 6)}
    assert permitted(deployment) == {**others, "G1": EVERYTHING_SAID}, "with an account it is the request of one"

    assert close(deployment.workspace, finished, Progress()) == 0
    assert "to be erased" not in capfd.readouterr().out


def test_an_id_made_from_a_browser_that_proves_to_be_shared_leads_to_its_account(tmp_path: Path) -> None:
    """So the arm that was drawn and what was decided for the id stay those of the person."""
    earlier = [
        "1,1,2025-05-10T10:00:00Z,,,k1,P1,1,10,2025-05-10T12:00:00Z",
        "2,1,2025-05-11T10:00:00Z,A,,k1,P1,1,10,2025-05-11T12:00:00Z",
    ]
    deployment = shop(tmp_path, orders=earlier)
    before = ids(deployment, AS_OF)
    assert before == ({"A": customer_id_of("cookie:k1")}, {})

    later = "3,1,2025-06-01T10:00:00Z,B,,k1,P1,1,10,2025-06-01T12:00:00Z"
    (deployment.workspace.landing_folder / "orders_2.csv").write_text(f"{COLUMNS['orders']}\n{later}\n")
    accounts, redirects = ids(deployment, AS_OF + timedelta(1))
    assert accounts == {account: customer_id_of(f"account:{account}") for account in "AB"}
    assert redirects == {customer_id_of("cookie:k1"): accounts["A"]}
    assert ids(deployment, AS_OF) == before, "the as-of from before knows of none"


def ids(deployment: Deployment, as_of: date) -> tuple[dict[str, str], dict[str, str]]:
    """Customer id by account, and where ids lead."""
    workspace = built(deployment, as_of, "+int_identifiers_now", "+int_customer_redirects")
    with workspace.warehouse() as warehouse:
        accounts = "select substring(identifier_id, 9), customer_id from intermediate.int_identifiers_now"
        led = "select customer_id, redirects_to_customer_id from intermediate.int_customer_redirects"
        found = warehouse.execute(f"{accounts} where identifier_id like 'account:%'").fetchall()
        return dict(found), dict(warehouse.execute(led).fetchall())
