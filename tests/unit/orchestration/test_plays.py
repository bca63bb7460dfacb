"""plays.yml: what is accepted, and that each mistake is told with file, play and what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ml.actions.policy import Policy
from orchestration.play_sql import candidate_columns, checked
from orchestration.plays import load_policy
from orchestration.shop import ShopError

DEMO = Path(__file__).parents[3] / "shops/demo"
PLAY = {
    "eligible": "orders_count = 1", "channel": "email", "cost": 0.02, "margin": "0.05 * average_order_value",
    "template": "second_order", "reason": "For your second order.", "cooldown_days": 21,
    "success": {"metric": "order", "within_days": 21}, "stop": {"contacts": 2},
}  # fmt: skip


def written(folder: Path, changes: dict[str, Any] | None = None, **top: Any) -> Path:
    content = {"plays": {"second_order": {**PLAY, **(changes or {})}}, **top}
    (folder / "plays.yml").write_text(yaml.safe_dump(content))
    return folder


@pytest.mark.parametrize("shop", sorted(path.parent.name for path in DEMO.parent.glob("*/plays.yml")))
def test_every_shop_here_has_plays_that_can_be_read(shop: str) -> None:
    assert load_policy(DEMO.parent / shop).deciding


def test_the_demo_has_plays_on_every_channel_and_one_that_is_live() -> None:
    daily, live = load_policy(DEMO), load_policy(DEMO, "live")
    assert daily.plays == live.plays
    assert len(daily.plays) == len(daily.deciding) + len(live.deciding) >= 8
    assert {play.channel for play in daily.deciding} == {"email", "push", "sms", "agent_task"}
    assert [play.name for play in live.deciding] == ["abandoned_basket"]
    assert [play.name for play in daily.plays] == sorted(play.name for play in daily.plays)


def test_a_shop_without_the_file_has_no_plays(tmp_path: Path) -> None:
    assert load_policy(tmp_path) == Policy()


def test_a_message_stands_on_the_grant_of_its_channel_and_on_profiling_where_it_looks(tmp_path: Path) -> None:
    (play,) = load_policy(written(tmp_path)).plays
    assert (play.contact_permission, play.data_permission) == ("marketing/email", "profiling")
    plain = {"channel": "agent_task", "eligible": "days_since_bad_rating <= 7", "margin": 5}
    (task,) = load_policy(written(tmp_path, plain)).plays
    assert (task.contact_permission, task.data_permission) == ("marketing/phone", None)


@pytest.mark.parametrize("channel", ["email", "agent_task"])
def test_only_a_play_that_says_so_stands_on_service(tmp_path: Path, channel: str) -> None:
    (play,) = load_policy(written(tmp_path, {"channel": channel, "purpose": "service"})).plays
    assert play.contact_permission == "service"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chanel": "email"}, r"plays.second_order.chanel: unknown key, did you mean 'channel'"),
        ({"channel": "emial"}, r"'emial' is none of email, push, sms, agent_task, did you mean 'email'"),
        ({"eligible": "order_count = 1"}, r"play second_order: eligible asks for an unknown column 'order_count', did"),
        ({"eligible": "orders_count ="}, r"play second_order: eligible is no SQL expression"),
        ({"eligible": "gender = 'f'"}, r"asks for gender: gender, age and where exactly"),
        ({"eligible": "postal_code = '10115'"}, r"asks for postal_code"),
        ({"eligible": "orders_count + 1"}, r"gives bigint, but must give true or false"),
        ({"eligible": "country = 3 and upper(orders_count)"}, r"eligible (cannot be evaluated|gives)"),
        ({"margin": "country"}, r"margin gives varchar, but must give a number"),
        ({"margin": "random()"}, r"calls random\(\), which a play may not"),
        ({"eligible": "now() > '2025-01-01'"}, r"calls now\(\)"),
        ({"eligible": "current_date > '2025-01-01'"}, r"unknown column 'current_date'"),
        ({"eligible": "orders_count > (select 1)"}, r"looks beyond the customer's own row"),
        ({"eligible": "row_number() over () = 1"}, r"looks beyond the customer's own row"),
        ({"eligible": "true) from read_csv('/x') where (true"}, r"is more than one expression"),
        ({"eligible": "live_baskets_count > 0"}, r"live_baskets_count is filled in triggered runs only"),
        ({"eligible": "customer_id = 'c_1'"}, r"unknown column 'customer_id'"),
        ({"cooldown_days": 0}, r"plays.second_order.cooldown_days"),
        ({"success": {"metric": "ordr", "within_days": 3}}, r"did you mean 'order'"),
    ],
)
def test_a_mistake_in_a_play_is_told(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ShopError, match=said) as told:
        load_policy(written(tmp_path, changes))
    assert str(tmp_path / "plays.yml") in str(told.value)


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ({"global_holdouts": 0.1}, r"unknown key, did you mean 'global_holdout'"),
        ({"global_holdout": 0.9}, r"global_holdout"),
        ({"caps": [{"contacts": 1, "day": 7}]}, r"did you mean 'days'"),
        ({"quiet_days": {"complain": 7}}, r"did you mean 'complaint'"),
    ],
)
def test_a_mistake_beside_the_plays_is_told(tmp_path: Path, top: dict[str, Any], said: str) -> None:
    with pytest.raises(ShopError, match=said):
        load_policy(written(tmp_path, **top))


def test_nothing_forbidden_is_among_the_columns() -> None:
    names = " ".join(candidate_columns())
    for forbidden in ("gender", "birth", "postal", "city", "street", "region", "email", "phone", "customer_id"):
        assert forbidden not in names
    assert checked("lower(country) in ('de', 'at') and not (orders_count between 2 and 3)", "boolean") == {
        "country", "orders_count",
    }  # fmt: skip


def test_a_play_need_not_say_what_its_success_is(tmp_path: Path) -> None:
    entry = {key: value for key, value in PLAY.items() if key != "success"}
    (tmp_path / "plays.yml").write_text(yaml.safe_dump({"plays": {"second_order": entry}}))
    assert load_policy(tmp_path) == load_policy(written(tmp_path))
