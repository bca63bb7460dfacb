"""The page of all versions above MLflow's list of runs."""

from ml.overview import MOST, Row, overview


def row(number: int, *, is_champion: bool = False, **metrics: float) -> Row:
    return Row(number, f"2025-0{number % 9 + 1}-01", "refused: a | b", {"auc": 0.8, **metrics}, is_champion)


def test_the_first_line_tells_the_champion_and_the_table_every_version_newest_first() -> None:
    first, blank, head, _, newest, oldest = overview(
        "churn", [row(1, is_champion=True, log_loss=0.5), row(2, auc=0.7)]
    ).splitlines()
    assert first.startswith("**Champion: version 1**, as of 2025-02-01: AUC 0.8000, log-loss 0.5000")
    assert not blank
    assert head.startswith("| version | as of | AUC | recency alone | log-loss |")
    assert newest.startswith("| 2 | 2025-03-01 | 0.7000 |")
    assert newest.endswith("| refused: a / b |"), "a bar within a cell would part it"
    assert oldest.startswith("| **1, champion** |")


def test_without_a_champion_it_says_so_and_the_page_does_not_grow_for_ever() -> None:
    page = overview("value", [row(number) for number in range(1, MOST + 6)]).splitlines()
    assert page[0] == "**No version is champion yet.**"
    assert len(page) == 4 + MOST
    assert page[4].startswith(f"| {MOST + 5} |")


def test_an_unknown_model_has_a_page_without_figures() -> None:
    assert "| version | as of | gate |" in overview("other", [row(1)])
