"""``regulars check``: it agrees with the landing, changes nothing, quotes nothing, and knows what is missing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from worlds import Deployment, corner_shop

from orchestration.backtesting import inputs_of
from orchestration.checking.columns import shape
from orchestration.checking.examine import examine
from orchestration.checking.findings import Findings
from orchestration.checking.words import show
from orchestration.landing import LandingReport, land
from orchestration.models import training_dates
from orchestration.shop import ShopError

HEADER = "order_id,line_number,ordered_at,account_id,quantity,unit_price\n"
DIRTY = (
    HEADER
    + "o1,1,2025-01-01T10:00:00Z,a1,1,9.90\n" * 2  # the second is a duplicate
    + "o2,1,never,hidden2,1,9.90\n"
    + "o3,1,hidden3,a3,1,9.90\n"
    + "o4,1,2025-01-01T10:00:00Z,a4,-1,9.90\n"
    + "o5,few\n"
    + ",1,2025-01-01T10:00:00Z,a5,1,9.90\n"
)


def checked(deployment: Deployment) -> Findings:
    workspace = deployment.workspace
    return examine(
        workspace.shop,
        workspace.state,
        workspace.landing_folder,
        now=workspace.now(),
        connect=workspace.connect_anywhere,
    )


def landed(deployment: Deployment) -> LandingReport:
    workspace = deployment.workspace
    workspace.state.prepare()
    return land(
        workspace.shop,
        workspace.state,
        workspace.landing_folder,
        now=workspace.now(),
        settle_seconds=0,
        connect=workspace.connect,
    )


def printed(findings: Findings) -> str:
    console = Console(width=200, highlight=False, color_system=None)
    with console.capture() as capture:
        show(findings, console)
    return capture.get()


def tree(folder: Path) -> dict[str, str]:
    """Every file with its content's hash, and every folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


def put(deployment: Deployment, name: str, text: str) -> None:
    (deployment.folder / "data" / "corner" / "landing" / name).write_text(text)


def change(deployment: Deployment, edit: Callable[[dict[str, Any]], None]) -> None:
    path = deployment.folder / "shops" / "corner" / "shop.yml"
    content = yaml.safe_load(path.read_text())
    edit(content)
    path.write_text(yaml.safe_dump(content))


@pytest.fixture
def dirty(tmp_path: Path) -> Deployment:
    deployment = corner_shop(tmp_path, DIRTY)
    put(deployment, "orders_2.csv", DIRTY.replace("o4", "o6"))  # repeats most of the first
    put(deployment, "orders_bad.csv", HEADER + "o1,1,never,a1,1,1\n")
    return deployment


def test_check_and_landing_count_the_same_rows_by_the_same_rules(dirty: Deployment) -> None:
    told, done = checked(dirty), landed(dirty)
    by_file = {file.file: file for file in told.files}
    assert len(done.landed) == 2
    for batch in done.landed:
        file = by_file[batch.file]
        assert (file.rows_in, file.accepted, file.quarantined, file.duplicates, file.refused) == (
            batch.rows_in, batch.accepted, batch.quarantined, batch.duplicates, batch.refused,
        )  # fmt: skip
        assert Counter((rule.rule, rule.column, rule.rows, rule.first_line) for rule in file.rules) == Counter(
            (rule.rule, rule.column, rule.rows, rule.first_line) for rule in batch.rules
        )
    assert [(file.file, file.error) for file in told.files if file.error] == [
        (error.file, error.message) for error in done.errors
    ]


def test_check_changes_nothing_before_and_after_a_landing(dirty: Deployment) -> None:
    before = tree(dirty.folder)
    checked(dirty)
    assert tree(dirty.folder) == before
    landed(dirty)
    put(dirty, "orders_3.csv", DIRTY.replace("o1", "o9"))
    before = tree(dirty.folder)
    again = {file.file: file for file in checked(dirty).files}
    assert tree(dirty.folder) == before
    assert again["orders.csv"].has_landed_before
    assert (again["orders_3.csv"].accepted, again["orders_3.csv"].duplicates) == (1, 1)


def test_nothing_that_check_prints_is_a_value_of_a_bad_row(dirty: Deployment) -> None:
    said = printed(checked(dirty))
    assert "no timestamp" in said
    assert "xxxxx" in said, "the shape of the first bad instant"
    assert not [value for value in ("never", "hidden", "o5,few") if value in said]


def test_a_shape_keeps_signs_and_nothing_else() -> None:
    assert shape("31.02.2024 7h") == "99.99.9999 9x"
    assert shape("Größe@über.de") == "xxxxx@xxxx.xx"
    assert shape(None) == "(empty)"
    assert shape("a" * 99) == "x" * 23 + "…"


def test_a_renamed_column_is_missed_and_the_likely_one_named(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, DIRTY.replace("ordered_at", "order_at"))
    findings = checked(deployment)
    assert not findings.can_land
    assert "no column 'ordered_at', did you mean 'order_at'?" in str(findings.files[0].error)
    assert ("order_at", None) in findings.files[0].unused or ("order_at", "ordered_at") in findings.files[0].unused


def test_an_unused_column_is_named_with_what_it_looks_like(tmp_path: Path) -> None:
    findings = checked(corner_shop(tmp_path, DIRTY.replace("account_id", "KundenNr")))
    assert findings.files[0].unused == (("KundenNr", "account_id"),)
    assert "says whose it is" in findings.troubles[-1]


def test_a_column_that_a_mapping_names_in_a_comment_only_is_not_used(tmp_path: Path) -> None:
    lines = DIRTY.replace(",account_id,", ",KundenNr,").replace("unit_price", "unit_price,test,a--b")
    deployment = corner_shop(tmp_path, lines.replace("9.90", "9.90,,web"))
    (deployment.folder / "shops" / "corner" / "orders.sql").write_text(
        'select file_line, order_id, line_number, ordered_at, quantity, unit_price, "a--b" as channel, /* of the\n'
        'test */\n--? "KundenNr" as account_id,  -- a guess\n-- not used: test\nfrom landed'
    )
    assert checked(deployment).files[0].unused == (("KundenNr", "account_id"), ("test", None))


def test_a_mapping_that_is_no_sql_is_said_with_its_error(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, DIRTY)
    (deployment.folder / "shops" / "corner" / "orders.sql").write_text("select file_line, no_such_column from landed")
    findings = checked(deployment)
    assert not findings.can_land
    assert "no_such_column" in str(findings.files[0].error)


def test_files_that_were_read_with_another_mapping_are_counted(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, DIRTY)
    landed(deployment)
    change(deployment, lambda content: content["touchpoints"]["orders"].pop("history"))  # as shops are told to
    assert not any("another mapping" in said for said in checked(deployment).troubles)
    change(deployment, lambda content: content["touchpoints"]["orders"].update(columns={"channel": "account_id"}))
    put(deployment, "orders_2.csv", DIRTY.replace("o1", "o9"))
    said = "orders: 1 of 2 landed files were read with another mapping than today's"
    assert any(trouble.startswith(said) for trouble in checked(deployment).troubles)


def test_a_day_without_a_row_is_no_error_and_no_doubt(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, HEADER)
    findings = checked(deployment)
    assert [(file.error, file.rows_in) for file in findings.files] == [(None, 0)]
    assert not findings.can_land
    assert not any("says whose it is" in said for said in findings.troubles)
    put(deployment, "orders_2.csv", DIRTY)
    assert checked(deployment).can_land


def test_a_key_that_most_rows_share_is_doubted(tmp_path: Path) -> None:
    rows = [f"{'play' if n < 7 else n},1,2025-01-{n + 1:02}T10:00:00Z,a{n},1,9.90\n" for n in range(11)]
    deployment = corner_shop(tmp_path, HEADER + "".join(rows))
    assert (
        "orders.csv: 6 of 11 accepted rows have the key of an earlier row, first on 2025-01-02, and one row of a "
        "key counts: is `order_id` and `line_number` really their key?"
    ) in checked(deployment).troubles
    put(deployment, "orders.csv", HEADER + "".join(rows[2:]))  # 4 of 9: a few corrections
    assert not any("really their key" in said for said in checked(deployment).troubles)


def test_settings_that_are_in_force_instead_of_the_defaults_are_named(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, DIRTY)
    found = "churn: {as_of: 2025-03-01, because: a test, leaves: 8}\n"
    (deployment.folder / "shops" / "corner" / "tuned.yml").write_text(found)
    assert "churn trains with settings of tuned.yml from 2025-03-01 on: leaves 8" in checked(deployment).notes


def test_without_a_basis_for_profiling_it_says_that_nobody_would_be_scored(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, DIRTY)
    assert "profiling is assumed: a test" in checked(deployment).notes
    change(deployment, lambda content: content.pop("consent"))
    assert any("everybody would be published without a score" in said for said in checked(deployment).troubles)
    assert checked(deployment).can_land, "which a shop may want"


def daily(first: date, last: date) -> str:
    """An order a day."""
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    return HEADER + "".join(f"o{n},1,{day}T10:00:00Z,a{n % 9},1,9.90\n" for n, day in enumerate(days))


def test_a_feed_that_stopped_is_told_and_its_silence_teaches_nothing(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    last = today - timedelta(40)
    deployment = corner_shop(tmp_path, daily(last - timedelta(400), last))
    change(deployment, lambda content: content.pop("closed_on"))
    said = f"the data end on {last}, 40 days before {today}: whoever has been silent since looks as if they had left"
    assert any(trouble.startswith(said) for trouble in checked(deployment).troubles)
    landed(deployment)
    newest = training_dates(deployment.workspace, today)[-1]
    assert newest + timedelta(deployment.workspace.shop.churn.horizon_days) == last + timedelta(1)
    assert newest.isoformat() < inputs_of(deployment.workspace, [newest]).as_of_date <= today.isoformat()
    with pytest.raises(ShopError, match=f"and data end on {last}: judge earlier months"):
        inputs_of(deployment.workspace, [newest + timedelta(1)])
    change(deployment, lambda content: content.update(closed_on=last + timedelta(1)))
    assert not any("the data end on" in trouble for trouble in checked(deployment).troubles)


def test_a_date_that_stands_for_never_stops_no_check(tmp_path: Path) -> None:
    never = "z,1,9999-12-31T23:59:59Z,a1,1,9.90\n"
    deployment = corner_shop(tmp_path, daily(date(2025, 1, 1), date(2025, 6, 30)) + never)
    assert checked(deployment).can_land


def test_without_consents_it_says_that_everybody_would_get_the_same_list(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, DIRTY)
    said = "everybody would get the same generic list"
    assert any(said in trouble for trouble in checked(deployment).troubles)
    head = "account_id,purpose,decision,decided_at\n"
    put(deployment, "consents.csv", f"{head}a1,personalised_recommendations,granted,2025-01-01T00:00:00Z\n")
    change(deployment, lambda content: content["touchpoints"].update(consents={"files": "consents*.csv"}))
    assert not any(said in trouble for trouble in checked(deployment).troubles)


def test_nothing_that_it_says_claims_that_a_row_is_in_quarantine(tmp_path: Path, dirty: Deployment) -> None:
    hopeless = corner_shop(tmp_path / "hopeless", HEADER + "o1,1,someday,a1,1,9.9\n")
    for deployment in (dirty, hopeless):
        assert "in quarantine" not in printed(checked(deployment)).replace("would put in quarantine", "")


def regular(customers: int, gap: int, until: int) -> str:
    """Every customer buys every ``gap`` days of 2024."""
    from datetime import date, timedelta

    days = [(c, date(2024, 1, 1) + timedelta(n)) for c in range(customers) for n in range(c % gap, until, gap)]
    return HEADER + "".join(f"o{n},1,{day}T10:00:00Z,a{c},1,9.9\n" for n, (c, day) in enumerate(days))


def test_the_horizon_it_suggests_is_the_rhythm_in_whole_weeks(tmp_path: Path) -> None:
    found = checked(corner_shop(tmp_path, regular(40, 20, 360)))
    assert found.rhythm is not None
    assert found.suggestion is not None
    assert (found.rhythm.customers, found.rhythm.median_gap, found.rhythm.long_gap) == (40, 20, 20)
    assert (found.suggestion.horizon_days, found.suggestion.is_cut) == (21, False)


def test_a_short_history_gets_a_shorter_horizon_and_is_told_so(tmp_path: Path) -> None:
    found = checked(corner_shop(tmp_path, regular(60, 40, 100)))
    assert found.suggestion is not None
    assert (found.suggestion.horizon_days, found.suggestion.is_cut) == (28, True)


def test_as_ofs_and_who_would_be_eligible_follow_from_the_days(tmp_path: Path) -> None:
    orders = regular(40, 20, 360)
    deployment = corner_shop(tmp_path, orders, closed_on="2025-01-01", churn={"horizon_days": 28, "active_days": 60})
    found = checked(deployment).as_ofs
    assert found is not None
    assert (str(found.first), str(found.default), str(found.last_evaluable)) == (
        "2024-01-02",
        "2025-01-01",
        "2024-11-28",
    )
    assert (found.now.eligible, found.training_snapshots) == (40, 11)
    assert found.labelled is not None
    assert (str(found.labelled.as_of_date), found.labelled.eligible, found.labelled.churned) == ("2024-11-27", 40, 0)


def test_a_history_that_was_learned_today_teaches_nothing_and_check_says_what_to_do(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, regular(40, 20, 360), churn={"horizon_days": 28, "active_days": 400})
    change(deployment, lambda content: content["touchpoints"]["orders"].pop("history"))
    assert any("history: true" in trouble for trouble in checked(deployment).troubles)


def test_the_command_ends_with_one_where_nothing_could_be_landed_and_two_where_there_is_no_shop(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, HEADER + "o1,1,never,a1,1,1\n")
    done = deployment.run("check")
    assert done.returncode == 1
    assert "nothing could be landed" in done.stdout
    assert "no timestamp" in done.stdout
    unknown = deployment.run("check", "--shop", "korner")
    assert unknown.returncode == 2
    assert "did you mean 'corner'" in unknown.stderr


def test_guesses_that_nobody_confirmed_are_counted(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, DIRTY)
    with (deployment.folder / "shops" / "corner" / "shop.yml").open("a") as file:
        file.write("#? time_zone: Europe/Berlin\n")
    assert checked(deployment).troubles[0].startswith("shop.yml: 1 line(s) begin with `#?`")
