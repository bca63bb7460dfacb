"""tuned.yml: read strictly, written whole, in force from its as-of on."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from worlds import corner_shop

from ml.booster import Recipe
from orchestration import churn, value
from orchestration.backtesting import Comparison, lines
from orchestration.fingerprints import shop_hash
from orchestration.inputs import Inputs, fresh
from orchestration.shop import ShopError
from orchestration.tuned import FILE, in_force, known_since, load_tuned, recipe_for, write_tuned
from orchestration.workspace import Workspace

AS_OF = date(2025, 3, 1)
GROWTH = {"leaves": 8, "rounds": 240, "learning_rate": 0.025, "leaf_scale": 2.5}
GOOD = "churn: {as_of: 2025-03-01, because: it is better, leaves: 8}\n"


def test_what_was_written_is_what_trees_grow_by_from_its_as_of_on(tmp_path: Path) -> None:
    write_tuned(tmp_path, "churn", GROWTH, as_of=AS_OF, because="log-loss -0.003 [-0.005, -0.001]: it's better")
    found = recipe_for(tmp_path, "churn", AS_OF)
    assert found == Recipe(leaves=8, rounds=240, learning_rate=0.025, leaf_scale=2.5)
    assert recipe_for(tmp_path, "churn", date(2025, 2, 28)) == Recipe(), "it could not have been known"
    assert recipe_for(tmp_path, "value", AS_OF) == Recipe()
    assert (tmp_path / FILE).read_text().startswith("# Written by `regulars tune`")


def test_settings_count_from_when_what_chose_them_was_known(tmp_path: Path) -> None:
    known = date(2024, 12, 1)
    write_tuned(tmp_path, "churn", GROWTH, as_of=AS_OF, because="better", usable_from=known)
    assert known_since(tmp_path, "churn") == known
    assert recipe_for(tmp_path, "churn", known).leaves == 8
    assert recipe_for(tmp_path, "churn", date(2024, 11, 30)) == Recipe()
    assert "from 2024-12-01 on" in in_force(tmp_path)[0]
    assert known_since(tmp_path, "value") is None


def test_a_file_that_does_not_say_what_it_knew_counts_from_its_as_of_on(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(GOOD)
    assert known_since(tmp_path, "churn") == AS_OF


def test_a_backtest_says_on_which_dates_the_defaults_stood_in() -> None:
    usual = (date(2025, 1, 1), date(2025, 2, 1))
    compared = Comparison("churn", (*usual, AS_OF), 10, {}, {}, (), {}, usual)
    assert lines(compared)[1] == "  the defaults on 2 dates up to 2025-02-01: tuned.yml was chosen by later outcomes"
    assert not any("defaults" in line for line in lines(replace(compared, usual_on=())))


def test_a_model_s_settings_leave_those_of_the_other_as_they_are(tmp_path: Path) -> None:
    write_tuned(tmp_path, "churn", GROWTH, as_of=AS_OF, because="one")
    write_tuned(tmp_path, "value", {"rounds": 60}, as_of=date(2025, 4, 1), because="two")
    assert recipe_for(tmp_path, "churn", AS_OF).rounds == 240
    assert recipe_for(tmp_path, "value", date(2025, 4, 1)).rounds == 60
    assert [line.split(" trains")[0] for line in in_force(tmp_path)] == ["churn", "value"]
    assert "leaves 8, rounds 240, learning_rate 0.025" in in_force(tmp_path)[0]


def test_without_the_file_the_defaults_are_in_force(tmp_path: Path) -> None:
    assert load_tuned(tmp_path).churn is None
    assert recipe_for(tmp_path, "churn", AS_OF) == Recipe()
    assert in_force(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("churn:", "chrun:"), "did you mean 'churn'"),
        (GOOD.replace("leaves", "leafs"), "churn.leafs: unknown key, did you mean 'leaves'"),
        (GOOD.replace("leaves: 8", "leaves: 1"), "churn.leaves: Input should be greater than or equal to 2"),
        (GOOD.replace("leaves: 8", "learning_rate: fast"), "churn.learning_rate"),
        (GOOD.replace("as_of: 2025-03-01, ", ""), "churn.as_of: Field required"),
        (GOOD + GOOD, "churn stands twice, in lines 1 and 2"),
        ("churn: [\n", "not valid YAML"),
        ("", "empty"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_likely_word(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ShopError) as caught:
        recipe_for(tmp_path, "churn", AS_OF)
    assert expected in str(caught.value)
    assert FILE in str(caught.value)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = corner_shop(tmp_path, "").workspace
    workspace.state.prepare()
    return workspace


def inputs(workspace: Workspace) -> Inputs:
    return fresh(workspace.state, workspace.shop, AS_OF, training_dates=(), champions={})


def test_tuned_settings_reach_the_trainings_and_their_pinned_inputs(workspace: Workspace) -> None:
    before, usual = inputs(workspace), shop_hash(workspace.shop)
    for stage in (churn, value):
        assert stage.training_plan(workspace, before).recipe == Recipe()
    write_tuned(workspace.shop.folder, "churn", {"leaves": 5, "rounds": 33}, as_of=AS_OF, because="a test")
    after = inputs(workspace)
    assert after.inputs_id != before.inputs_id, "a replay sees the settings that it was made with"
    assert shop_hash(workspace.shop) != usual
    assert churn.training_plan(workspace, after).recipe == Recipe(leaves=5, rounds=33)
    assert churn.training_plan(workspace, after).recipe_since == AS_OF
    assert value.training_plan(workspace, after).recipe_since is None
    assert value.training_plan(workspace, after).recipe == Recipe()
