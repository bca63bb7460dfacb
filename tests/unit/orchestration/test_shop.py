"""shop.yml: every mistake is named with its place and the likely word."""

from datetime import date
from pathlib import Path

import pytest

from orchestration.landing import load_contract
from orchestration.shop import ShopError, load_shop

MINIMAL = "name: Shop\ntouchpoints: {orders: {files: '*.csv'}}\n"


def shop_with(folder: Path, text: str) -> Path:
    (folder / "corner").mkdir()
    (folder / "corner" / "shop.yml").write_text(text)
    return folder


def test_a_minimal_shop_has_good_defaults(tmp_path: Path) -> None:
    shop = load_shop(shop_with(tmp_path, MINIMAL), "corner")
    assert (shop.churn.mode, shop.churn.active_days, shop.churn.horizon_days) == ("inactivity", 365, 90)
    assert shop.knowledge_lag_hours == 6
    assert shop.consent == {}, "nothing is assumed unless the shop says so"


def test_every_shop_of_the_project_loads() -> None:
    shops = Path(__file__).parents[3] / "shops"
    for folder in sorted(shops.iterdir()):
        assert load_shop(shops, folder.name).slug == folder.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIMAL + "curency: EUR\n", "did you mean 'currency'"),
        (MINIMAL + "churn: {horizon_day: 30}\n", "did you mean 'horizon_days'"),
        (MINIMAL + "recommendations: {list_lenght: 5}\n", "did you mean 'list_length'"),
        (MINIMAL + "recommendations: {list_length: 3, discovery_slots: 3}\n", "fewer than list_length"),
        (MINIMAL + "recommendations: {mode: surprise}\n", "mixed"),
        (MINIMAL + "time_zone: Europe/Berln\n", "did you mean Europe/Berlin"),
        ("name: Shop\ntouchpoints: {order: {files: '*.csv'}}\n", "did you mean 'orders'"),
        ("name: Shop\ntouchpoints: {products: {files: '*.csv'}}\n", "at least one of"),
        ("name: Shop\ntouchpoints: {orders: {file: '*.csv'}}\n", "did you mean 'files'"),
        (MINIMAL + "consent: {profiling: {basis: assume}}\n", "because"),
        (MINIMAL + "consent: {marketing: {basis: assume, because: x}}\n", "only service and profiling"),
        (MINIMAL + "consent: {marketng: {}}\n", "did you mean 'marketing'"),
        (MINIMAL + "churn: {horizon_days: 0}\n", "greater than or equal to 1"),
        ("name: [\n", "not valid YAML"),
        ("", "empty"),
        (MINIMAL + "currency: EUR\nowner: me\ncurrency: GBP\n", "currency stands twice, in lines 3 and 5"),
    ],
)
def test_a_mistake_is_named_with_the_likely_word(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ShopError) as caught:
        load_shop(shop_with(tmp_path, text), "corner")
    assert expected in str(caught.value)
    assert "shop.yml" in str(caught.value)


def test_an_unknown_shop_is_answered_with_the_likely_one(tmp_path: Path) -> None:
    with pytest.raises(ShopError, match="did you mean 'corner'"):
        load_shop(shop_with(tmp_path, MINIMAL), "korner")


def test_a_closed_data_set_knows_its_last_day(tmp_path: Path) -> None:
    assert load_shop(shop_with(tmp_path, MINIMAL + "closed_on: 2011-12-10\n"), "corner").closed_on == date(2011, 12, 10)


@pytest.mark.parametrize(
    ("written", "words"),
    [("%d.%m.%Y %z", "with an offset"), ("%H:%M", "day, month and year"), ("%d.%m.%Q", "%Q is none of")],
)
def test_a_date_format_that_names_no_day_is_a_mistake(tmp_path: Path, written: str, words: str) -> None:
    text = f"name: Shop\ntouchpoints: {{orders: {{files: '*.csv', date_format: '{written}'}}}}\n"
    with pytest.raises(ShopError, match=words):
        load_shop(shop_with(tmp_path, text), "corner")


def test_columns_of_which_every_line_is_a_comment_are_none(tmp_path: Path) -> None:
    text = "name: Shop\ntouchpoints:\n  orders:\n    files: '*.csv'\n    columns:\n      # order_id: Nr\n"
    assert load_shop(shop_with(tmp_path, text), "corner").touchpoints["orders"].columns == {}


@pytest.mark.parametrize("name", [one.name for one in load_contract().values() if one.mutable])
def test_history_of_versions_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    text = f"name: Shop\ntouchpoints:\n  events: {{files: e*}}\n  {name}: {{files: c*, history: true}}\n"
    with pytest.raises(ShopError, match=rf"touchpoints.{name}.history: a row of {name} is a version"):
        load_shop(shop_with(tmp_path, text), "corner")
