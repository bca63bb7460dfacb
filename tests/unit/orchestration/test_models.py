"""Which version serves after a training."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ml import registry
from ml.promotion import Decision
from ml.registry import Version
from orchestration.models import AS_OF, Trained, registered


def trained(monkeypatch: pytest.MonkeyPatch, folder: Path, serving: str | None, as_of: str) -> tuple[Trained, Decision]:
    """What a training as of a day ends with beside a champion as of another, and what reached the registry."""
    champion = Version("shop.churn", 4, folder, "hash", "run", {AS_OF: serving} if serving else {})
    reached: list[Decision] = []

    def register(_: Path, __: str, ___: Any, decision: Decision, **____: Any) -> Version:
        reached.append(decision)
        return Version("shop.churn", 5, folder, "hash", "run")

    monkeypatch.setattr(registry, "champion", lambda *_: champion)
    monkeypatch.setattr(registry, "register", register)
    workspace: Any = SimpleNamespace(
        state=SimpleNamespace(mlflow=folder, temporary=folder), shop=SimpleNamespace(slug="shop")
    )
    inputs: Any = SimpleNamespace(inputs_id="inputs", code="code", as_of_date=as_of)
    write: Any = lambda _, tags: SimpleNamespace(metrics={}, pictures={}, tags=tags)  # noqa: E731
    found = registered(workspace, inputs, "churn", Decision(True, ("better",)), write, began=0.0)
    return found, reached[0]


def test_training_on_a_past_day_replaces_nothing_that_serves_today(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found, decision = trained(monkeypatch, tmp_path, "2025-07-01", "2024-07-01")
    assert not decision.is_promoted
    assert not found.is_champion
    assert "shop.churn/4 serves and knows what happened up to 2025-07-01" in found.decision


@pytest.mark.parametrize("serving", ["2025-07-01", "2025-06-01", None])
def test_training_again_or_later_goes_by_the_gate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, serving: str | None
) -> None:
    found, decision = trained(monkeypatch, tmp_path, serving, "2025-07-01")
    assert decision.is_promoted
    assert found.decision == "promoted: better"
