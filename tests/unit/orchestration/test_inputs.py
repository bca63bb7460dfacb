"""The input manifest: what changes the fingerprint, what does not, and what a killed run leaves."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration import inputs
from orchestration.dbt_inputs import dbt_vars
from orchestration.inputs import Inputs
from orchestration.publishing.records import Record, Records
from orchestration.shop import load_shop
from orchestration.state import State, StateError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("lag", [0, 1, 2, 6, 22, 23])
@pytest.mark.parametrize("day", [date(2025, 3, 29), date(2025, 3, 30), date(2025, 10, 26), date(2025, 10, 27)])
def test_an_as_of_may_be_scored_from_the_moment_on_when_it_learns_of_nothing_more(day: date, lag: int) -> None:
    shop = load_shop(ROOT / "shops", "demo").model_copy(update={"knowledge_lag_hours": lag})
    closes = inputs.known_before(shop, day)
    assert closes - inputs.known_before(shop.model_copy(update={"knowledge_lag_hours": 0}), day) == timedelta(hours=lag)
    assert inputs.newest_as_of(shop, closes) == day
    assert inputs.newest_as_of(shop, closes - timedelta(microseconds=1)) == day - timedelta(1)


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Atlantic/Azores", date(2025, 10, 26), datetime(2025, 10, 26, 0, tzinfo=UTC)),
        ("America/Havana", date(2025, 11, 2), datetime(2025, 11, 2, 4, tzinfo=UTC)),
        ("America/Havana", date(2025, 3, 9), datetime(2025, 3, 9, 5, tzinfo=UTC)),
    ],
)
def test_an_as_of_is_the_first_instant_of_its_day_as_dbt_has_it(zone: str, day: date, begins: datetime) -> None:
    """dbt's unit tests of ``int_as_ofs`` hold the same days against the same instants."""
    shop = load_shop(ROOT / "shops", "demo").model_copy(update={"time_zone": zone})
    assert inputs.as_of_instant(shop, day).astimezone(UTC) == begins
    assert inputs.known_before(shop, day) == begins + timedelta(hours=shop.knowledge_lag_hours)


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "data", tmp_path / "keys", "demo")
    state.prepare()
    return state


def pin(state: State, **changes: object) -> Inputs:
    shop = load_shop(ROOT / "shops", "demo")
    settings: dict[str, object] = {"training_dates": (), "champions": {"churn": "demo.churn/1"}, **changes}
    return inputs.pin(state, shop, date(2025, 7, 1), **settings)  # type: ignore[arg-type]


def test_the_same_inputs_have_the_same_fingerprint_in_another_folder(state: State, tmp_path: Path) -> None:
    other = State(tmp_path / "elsewhere", tmp_path / "keys2", "demo")
    other.prepare()
    assert pin(state).inputs_id == pin(other).inputs_id


@pytest.mark.parametrize(
    "change",
    [
        {"as_of_date": "2025-07-02"},
        {"batches": {"orders": ("1",)}},
        {"ledger": ("x.parquet",)},
        {"champions": {"churn": "demo.churn/2"}},
        {"training_dates": ("2025-01-01",)},
        {"trains": True},
        {"suppressions": "other"},
        {"shop": "other"},
        {"code": "other"},
        {"action_ledger": ("0123456789abcdef",)},
    ],
)
def test_whatever_may_change_a_result_changes_the_fingerprint(state: State, change: dict[str, object]) -> None:
    pinned = pin(state)
    assert replace(pinned, **change).inputs_id != pinned.inputs_id


def test_what_was_pinned_is_read_back_as_it_was(state: State) -> None:
    written = pin(state)
    assert inputs.pinned(state, "2025-07-01") == written


def test_an_as_of_without_a_run_is_answered_with_the_next_step_and_the_runs_that_there_are(state: State) -> None:
    pin(state)
    with pytest.raises(StateError, match=r"regulars run --as-of 2025-07-09.*ledger/input_manifest.*2025-07-01"):
        inputs.pinned(state, "2025-07-09")


def test_the_same_run_after_a_kill_takes_up_the_inputs_even_if_a_model_came_out(state: State) -> None:
    killed = pin(state, champions={}, training_dates=(date(2025, 1, 1),))
    again = pin(state, champions={"churn": "demo.churn/1"}, training_dates=())
    assert again == killed


def test_after_a_finished_run_the_next_one_looks_anew(state: State) -> None:
    finished = pin(state, champions={}, training_dates=(date(2025, 1, 1),))
    inputs.finish(state, finished)
    assert pin(state, champions={"churn": "demo.churn/1"}, training_dates=()) != finished


def test_resolving_the_same_batches_again_does_not_read_its_own_ledger_file(state: State) -> None:
    first = pin(state)
    folder = inputs.ledger_folder(state)
    folder.mkdir(parents=True)
    (folder / inputs.ledger_name(first.batches)).write_bytes(b"")
    assert pin(state).ledger == first.ledger
    (folder / "of-earlier-batches.parquet").write_bytes(b"")
    assert pin(state).ledger == ("of-earlier-batches.parquet",)


def test_inputs_that_were_pinned_before_they_said_whether_they_train_keep_their_name(state: State) -> None:
    for dates in ((), (date(2025, 1, 1),)):
        written = pin(state, training_dates=dates)
        path = state.ledger / "inputs" / f"{written.inputs_id}.json"
        content = json.loads(path.read_text())
        assert content.pop("trains") == bool(dates)
        path.write_text(json.dumps(content))
        read = inputs.pinned(state, "2025-07-01")
        assert read == written
        assert read.inputs_id == written.inputs_id
        inputs.finish(state, read)


def test_a_run_that_trains_looks_from_two_earlier_as_ofs_whose_following_month_is_over(state: State) -> None:
    shop = load_shop(ROOT / "shops", "demo")
    training = pin(state, training_dates=(date(2025, 1, 1),))
    assert inputs.recommender_dates(shop, training) == (
        date(2025, 3, 3), date(2025, 4, 2), date(2025, 5, 2), date(2025, 6, 1),
    )  # fmt: skip
    assert dbt_vars(state, shop, training)["recommender_dates"] == [
        "2025-03-03", "2025-04-02", "2025-05-02", "2025-06-01",
    ]  # fmt: skip
    assert inputs.recommender_dates(shop, replace(training, training_dates=(), trains=False)) == ()


def test_in_a_shop_too_young_for_any_snapshot_the_recommender_learns_all_the_same(state: State) -> None:
    shop = load_shop(ROOT / "shops", "demo")
    assert len(inputs.recommender_dates(shop, pin(state, trains=True))) == inputs.RECOMMENDER_LESSONS + 1


def test_what_dbt_compiles_is_no_part_of_the_code(state: State) -> None:
    before = pin(state).code
    compiled = ROOT / "dbt_project" / "target" / "a_test" / "compiled.sql"
    compiled.parent.mkdir(parents=True, exist_ok=True)
    compiled.write_text("select 1")
    try:
        assert pin(state).code == before
    finally:
        compiled.unlink()
        compiled.parent.rmdir()


def entry(state: State, inputs_id: str, day: str, *, is_published: bool = True, decides: bool = True) -> None:
    """A generation of the past, with what it decided in the ledger."""
    Records(state.published).put(
        Record(
            generation_id=inputs_id, inputs_id=inputs_id, as_of=f"{day}T22:00:00", as_of_date=day, run_id="r",
            started_at=day, contract_version=1, previous=None, published_at=day if is_published else None,
        )
    )  # fmt: skip
    if decides:
        file = inputs.action_ledger_file(state, "decisions", inputs_id)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")


def test_a_run_reads_what_was_published_up_to_its_day_and_nothing_else(state: State) -> None:
    entry(state, "yesterday", "2025-06-30")
    entry(state, "today, on other inputs", "2025-07-01")
    entry(state, "today, triggered", "2025-07-01")
    entry(state, "tomorrow", "2025-07-02")
    entry(state, "backfilled", "2025-06-29", is_published=False)
    entry(state, "before there were plays", "2025-06-28", decides=False)
    assert pin(state).action_ledger == ("today, on other inputs", "today, triggered", "yesterday")


def test_dbt_reads_the_entries_of_the_ledger_that_are_pinned_and_no_others(state: State) -> None:
    entry(state, "yesterday", "2025-06-30")
    entry(state, "tomorrow", "2025-07-02")
    path = dbt_vars(state, load_shop(ROOT / "shops", "demo"), pin(state))["input_manifest"]
    files = json.loads(Path(path).read_text())["files"]
    assert [Path(file).name for file in files["ledger.decisions"]] == ["yesterday.parquet"]


def test_what_was_published_on_the_same_inputs_is_no_past_of_its_own(state: State) -> None:
    """Else no run could be replayed after it was published."""
    entry(state, "yesterday", "2025-06-30")
    first = pin(state)
    inputs.finish(state, first)
    entry(state, first.inputs_id, "2025-07-01")
    assert pin(state) == first
    other = pin(state, champions={"churn": "demo.churn/2"})
    assert other.action_ledger == tuple(sorted([first.inputs_id, "yesterday"]))
    inputs.finish(state, other)
    entry(state, other.inputs_id, "2025-07-01")
    assert pin(state, champions={"churn": "demo.churn/2"}) == other


def test_a_run_that_was_published_and_then_killed_is_taken_up_again(state: State) -> None:
    left = pin(state, champions={}, training_dates=(date(2025, 1, 1),))
    entry(state, left.inputs_id, "2025-07-01")
    assert pin(state, champions={"churn": "demo.churn/1"}, training_dates=(date(2025, 1, 1),)) == left
