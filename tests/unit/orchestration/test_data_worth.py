"""Which touchpoint each feature comes from."""

import yaml

from orchestration.data_worth import FEATURES, features_by_touchpoint, lines
from orchestration.landing import load_contract


def test_every_feature_says_which_touchpoint_it_comes_from() -> None:
    models = {model["name"]: model for model in yaml.safe_load(FEATURES.read_text())["models"]}
    names = {column["name"] for column in models["customer_features"]["columns"]} - {"as_of_date", "customer_id"}
    told = [name for names in features_by_touchpoint().values() for name in names]
    assert names <= set(told)
    assert len(told) == len(set(told)), "one touchpoint each"
    assert set(features_by_touchpoint()) <= set(load_contract())


def test_the_table_says_whom_a_touchpoint_names() -> None:
    from orchestration.data_worth import Worth

    table = lines([Worth("support_tickets", 5, ("email", "text"), {}), Worth("events", 13, (), {})])
    assert table[2].endswith("email, text")
    assert table[3].endswith("nobody")
