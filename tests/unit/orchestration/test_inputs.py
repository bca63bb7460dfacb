"""The input manifest: what changes the fingerprint, what does not, and what a killed run leaves."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from orchestration import inputs
from orchestration.inputs import Inputs
from orchestration.shop import load_shop
from orchestration.state import State, StateError

ROOT = Path(__file__).parents[3]


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
        {"suppressions": "other"},
        {"shop": "other"},
        {"code": "other"},
    ],
)
def test_whatever_may_change_a_result_changes_the_fingerprint(state: State, change: dict[str, object]) -> None:
    pinned = pin(state)
    assert replace(pinned, **change).inputs_id != pinned.inputs_id


def test_what_was_pinned_is_read_back_as_it_was(state: State) -> None:
    written = pin(state)
    assert inputs.pinned(state, "2025-07-01") == written


def test_without_a_pin_the_next_step_is_said(state: State) -> None:
    with pytest.raises(StateError, match="ledger/input_manifest"):
        inputs.pinned(state, "2025-07-01")


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
