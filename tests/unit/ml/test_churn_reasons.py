import numpy as np
import pytest
import yaml

from ml.btyd.expectations import COLUMNS
from ml.churn.reasons import top_reasons
from ml.churn.wording import THEMES, WORDS, customer_words, internal_words

NAMES = ("days_since_last_order", "orders_90d", "orders_180d", "sessions_30d", "order_gap_median_days")
X = np.array([[74, 0, 2, 5, 30]], np.float32)


@pytest.mark.parametrize("feature", WORDS)
def test_every_feature_has_words_for_colleagues_and_for_customers(feature):
    assert WORDS[feature].theme in THEMES
    assert "{" not in internal_words(feature, 3.0, 30.0)
    for raises in (True, False):
        said = customer_words(feature, raises=raises)
        assert said
        assert not any(character.isdigit() for character in said)


def test_every_feature_of_the_feature_table_has_words(pytestconfig):
    path = pytestconfig.rootpath / "dbt_project/models/features/features.yml"
    if not path.exists():
        pytest.skip("the feature models are not there yet")
    models = yaml.safe_load(path.read_text())["models"]
    columns = next(m for m in models if m["name"] == "customer_features")["columns"]
    features = {c["name"] for c in columns} - {"as_of_date", "customer_id"}
    assert features | set(COLUMNS) == set(WORDS)


def test_words_carry_the_number_and_the_usual_gap_where_there_is_one():
    assert internal_words("days_since_last_order", 74.0, 30.0) == "No order for 74 days, usual gap 30"
    assert internal_words("days_since_last_order", 74.0) == "No order for 74 days"
    assert internal_words("discount_share_365d", 0.25) == "Discount was 25 % of the price"
    assert internal_words("nps_mean_365d", float("nan")) == "No rating given in 365 days"
    assert internal_words("orders_90d", 4.0, raises=False) == "4 orders in 90 days, speaks for staying"
    assert internal_words("shoe_size", 43.0) == "shoe size 43"


def test_a_theme_is_given_once_by_its_strongest_feature():
    push = np.array([[0.5, 0.3, 0.4, -0.6, 0.0]])
    reasons = top_reasons(push, X, NAMES)
    assert reasons.name.tolist() == [["+orders_180d", "-sessions_30d", "+days_since_last_order"]]
    assert reasons.internal[0, 2] == "No order for 74 days, usual gap 30"
    assert reasons.customer[0, 1] == "You have been visiting us"


def test_a_feature_against_its_theme_is_not_named_for_it():
    push = np.array([[0.0, -0.2, 0.5, 0.0, 0.0]])
    assert top_reasons(push, X, NAMES).name[0, 0] == "+orders_180d"


def test_the_feature_named_for_a_falling_risk_is_one_that_lowered_it():
    push = np.array([[0.0, 0.2, -0.5, 0.0, 0.0]])
    assert top_reasons(push, X, NAMES).name[0, 0] == "-orders_180d"


def test_what_moved_nothing_is_no_reason():
    reasons = top_reasons(np.zeros((1, 5)), X, NAMES)
    assert reasons.name.tolist() == reasons.internal.tolist() == [[None, None, None]]
