import re

import numpy as np
import pytest
import yaml

from ml.btyd.expectations import COLUMNS
from ml.churn.reasons import leaders, reasons
from ml.churn.speaking import PERCENT, customer_words, internal_words, one_of
from ml.churn.wording import THEMES, WORDS, words_of

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
    assert internal_words("nps_mean_365d", float("nan")) == "Has not said in 365 days whether we are recommended"
    assert internal_words("orders_90d", 4.0, raises=False) == "4 orders in 90 days, speaks for staying"
    assert internal_words("shoe_size", 43.0) == "shoe size 43"


def test_one_is_no_plural():
    said = {feature: internal_words(feature, 1.0, 1.0) for feature in WORDS}
    assert said["orders_90d"] == "1 order in 90 days"
    assert said["searches_90d"] == "1 search in 90 days"
    assert said["messages_sent_90d"] == "1 message sent in 90 days"
    assert said["recency_over_median_gap"] == "Silent for 1 times the usual gap of 1 day"
    assert internal_words("recency_over_median_gap", 1.0, 30.0, raises=False).startswith("Last order 1 usual gap of 30")
    plural = [words for words in said.values() if re.search(r"(?<![\d.])1 (?!times)(\w+ )?\w+[^s]s\b", words)]
    assert plural == []


def test_a_renewal_of_today_is_not_in_so_many_days():
    assert internal_words("days_to_renewal", 0.0) == "Contract renews today"


@pytest.mark.parametrize("feature", ["days_since_last_order", "recency_over_median_gap", "recency_over_mean_gap"])
def test_silence_that_speaks_for_staying_is_not_told_as_silence(feature):
    assert internal_words(feature, 0.4, 30.0, raises=False).startswith("Last order 0.4 ")


def said_of(push, X=X, names=NAMES):
    found = reasons(leaders(np.ascontiguousarray(push.T), names), X, names)
    return [spoken.text().tolist() for spoken in (found.name, found.internal, found.customer)]


def test_a_theme_is_given_once_by_its_strongest_feature():
    name, internal, customer = said_of(np.array([[0.5, 0.3, 0.4, -0.6, 0.0]]))
    assert name == [["+orders_180d", "-sessions_30d", "+days_since_last_order"]]
    assert internal[0][2] == "No order for 74 days, usual gap 30"
    assert customer[0][1] == "You have been visiting us"


def test_a_feature_against_its_theme_is_not_named_for_it():
    assert said_of(np.array([[0.0, -0.2, 0.5, 0.0, 0.0]]))[0][0][0] == "+orders_180d"


def test_the_feature_named_for_a_falling_risk_is_one_that_lowered_it():
    assert said_of(np.array([[0.0, 0.2, -0.5, 0.0, 0.0]]))[0][0][0] == "-orders_180d"


def test_what_moved_nothing_is_no_reason():
    assert said_of(np.zeros((1, 5))) == [[[None, None, None]]] * 3


def test_a_batch_of_whom_nothing_is_to_be_said_has_columns_of_nothing():
    nothing = reasons(leaders(np.zeros((5, 3)), NAMES), np.repeat(X, 3, axis=0), NAMES)
    assert [nothing.internal.arrow(rank).to_pylist() for rank in range(3)] == [[None] * 3] * 3


def spoken_slowly(feature, value):
    if np.isnan(value):
        return "unknown"
    if PERCENT.search(feature):
        return f"{100 * value:.0f} %"
    return f"{value:.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.1f}"


def words_slowly(feature, value, gap, raises):
    words = words_of(feature)
    template = words.internal if raises else words.internal_lowers or words.internal
    template = words.internal_zero if value == 0 and words.internal_zero else template
    if np.isnan(value):
        template = words.internal_unknown or THEMES[words.theme].unknown
    if np.isnan(gap):
        template = template.replace(", usual gap {gap}", "").replace(" of {gap} days", "")
    said = template.format(value=spoken_slowly(feature, value), gap=spoken_slowly("order_gap_median_days", gap))
    said = one_of(said)
    return said if raises else said + ", speaks for staying"


def reasons_slowly(push, x, names):
    """One customer after the other, one word after the other."""
    by_theme = []
    for theme in THEMES:
        own = [k for k, name in enumerate(names) if words_of(name).theme == theme]
        if own:
            whole = round(sum(push[k] for k in own), 9)
            by_theme.append((whole, max(own, key=lambda k: push[k] * np.sign(whole))))
    gap = x[names.index("order_gap_median_days")]
    out = [[None] * 3 for _ in range(3)]
    for rank, (whole, k) in enumerate(sorted(by_theme, key=lambda one: -abs(one[0]))[:3]):
        if whole:
            out[0][rank] = ("+" if whole > 0 else "-") + names[k]
            out[1][rank] = words_slowly(names[k], x[k], gap, whole > 0)
            out[2][rank] = None if np.isnan(x[k]) else customer_words(names[k], raises=whole > 0)
    return out


def test_what_many_are_told_is_what_each_would_be_told_alone():
    """Values where rounding turns: halves of a unit, of a tenth and of a percent, both zeros, unknown ones, ties."""
    rng, names, n = np.random.default_rng(4), tuple(WORDS), 2000
    small = [0, -0.0, 0.004, -0.004, 0.005, 0.04, -0.04, 0.05, 0.25, 0.5, 1, 1.05, 1.96, 2, 2.04, 2.5, 2.96]
    X = rng.choice(np.array([*small, 30, 99.94, 99.95, 99.96, 100.5, 101.5, np.nan], np.float32), (n, len(names)))
    push = rng.choice([-0.3, -0.1, 0.0, 0.0, 0.1, 0.1, 0.3, 0.1 + 1e-12], (n, len(names)))
    expected = [reasons_slowly(p, x.tolist(), names) for p, x in zip(push, X, strict=True)]
    assert said_of(push, X, names) == [[own[what] for own in expected] for what in range(3)]


@pytest.mark.parametrize("names", [tuple(WORDS), NAMES, NAMES[:1]], ids=["all", "few", "one"])
def test_compiled_or_not_the_same_features_lead(names):
    """Ties, pushes that differ in the tenth place, ones that cancel; more customers than are looked at together."""
    rng = np.random.default_rng(5)
    added = rng.choice([-0.3, -0.1, 0.0, 0.0, 0.1, 0.1, 0.3, 0.1 + 1e-12], (len(names), 1000))
    slowly, quickly = leaders(added, names), leaders(added, names, is_compiled=True)
    assert np.array_equal(slowly.feature, quickly.feature)
    assert np.array_equal(slowly.direction, quickly.direction)


def test_a_batch_keeps_each_word_once():
    push = np.array([[0.5, 0.3, 0.4, -0.6, 0.0]] * 7)
    found = reasons(leaders(np.ascontiguousarray(push.T), NAMES), np.repeat(X, 7, axis=0), NAMES)
    assert len(found.internal.words) == 3
    assert found.internal.arrow(1).to_pylist() == ["5 sessions in 30 days, speaks for staying"] * 7
    assert found.internal.arrow(1).dictionary.to_pylist() == ["5 sessions in 30 days, speaks for staying"]


def test_of_what_is_not_known_a_customer_is_told_nothing_and_a_colleague_no_more_than_that():
    names = ("review_mean_365d", "nps_mean_365d")
    X, push = np.array([[3.0, np.nan], [np.nan, np.nan]], np.float32), np.array([[0.0, -0.2], [0.1, 0.0]])
    said = reasons(leaders(push.T, names), X, names)
    assert said.internal.text()[:, 0].tolist() == [
        "Has not said in 365 days whether we are recommended, speaks for staying",
        "No review in 365 days",
    ]
    assert said.customer.text()[:, 0].tolist() == [None, None]
