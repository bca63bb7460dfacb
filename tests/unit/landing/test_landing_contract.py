"""The contract, as the door reads it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.landing import load_contract
from orchestration.landing.contract import TouchpointContract
from orchestration.shop import TOUCHPOINTS

CONTRACT = load_contract()


def test_every_touchpoint_that_a_shop_may_name_has_a_contract() -> None:
    assert set(CONTRACT) == set(TOUCHPOINTS)


@pytest.mark.parametrize("contract", CONTRACT.values(), ids=CONTRACT)
def test_keys_instants_and_tokens_refer_to_columns_that_exist(contract: TouchpointContract) -> None:
    names = {column.name for column in contract.columns}
    incoming = {column.name for column in contract.incoming}
    assert names >= {*contract.key, contract.occurred_at, *contract.whose}
    assert all(column.source in incoming for column in contract.tokens)
    assert all(column.token in ("email", "phone") or column.token in names for column in contract.tokens)
    assert not incoming & {column.name for column in contract.tokens}


@pytest.mark.parametrize("contract", CONTRACT.values(), ids=CONTRACT)
def test_only_a_mutable_row_may_lack_its_instant(contract: TouchpointContract) -> None:
    (instant,) = (column for column in contract.columns if column.name == contract.occurred_at)
    assert instant.data_type == "timestamp"
    assert instant.required is not contract.mutable


def test_direct_identifiers_stand_in_four_touchpoints_only() -> None:
    personal = {name for name, contract in CONTRACT.items() if any(column.personal for column in contract.columns)}
    assert personal == {"customers", "identities", "support_tickets", "feedback"}


def test_an_order_may_bring_an_address_that_it_does_not_keep() -> None:
    orders = CONTRACT["orders"]
    assert "email" in {column.name for column in orders.incoming}
    assert not orders.has("email")


def test_the_digest_follows_rules_and_not_descriptions() -> None:
    orders = CONTRACT["orders"]
    assert replace(orders, description="other words").digest == orders.digest
    assert replace(orders, mutable=True).digest != orders.digest
