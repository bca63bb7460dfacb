"""``regulars evaluate recommender``: what is wrong with what was asked for is one line; else a table and JSON."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml.recommender.evaluation.errors import LogError
from orchestration.recommender_evaluation import Request, evaluate_log


def log(folder: Path) -> Path:
    """Everybody buys one of two favourites, day by day."""
    rng, path = np.random.default_rng(1), folder / "log.csv"
    rows = ["user,item,time"]
    for user in range(60):
        first, second = rng.choice(20, 2, replace=False)
        rows += [f"u{user},p{first if rng.random() < 0.7 else second},2025-01-{day:02}" for day in range(1, 8)]
    path.write_text("\n".join(rows))
    return path


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"protocol": "sampled"}, "no such protocol: 'sampled'; there are leave-last-out"),
        ({"protocol": "given-split"}, "--test FILE goes with --protocol given-split"),
        ({"protocol": "time-split", "cut": "yesterday"}, "--cut 'yesterday' is no instant"),
        ({"protocol": "time-split", "cut": "NaT"}, "--cut 'NaT' is no instant"),
        ({"protocol": "time-split", "horizon_days": 0.0}, "--horizon-days 0: write how many days"),
        ({"protocol": "next-basket", "cut": "2025-01-05"}, "--cut and --horizon-days go with --protocol time-split"),
        ({"protocol": "next-basket", "horizon_days": 7.0}, "--cut and --horizon-days go with --protocol time-split"),
        ({"protocol": "next-basket", "lengths": "9" * 23}, "none above 9,999"),
        ({"protocol": "next-basket", "lengths": "ten"}, "--k 'ten': write lengths of lists as 5,10,20"),
        ({"protocol": "next-basket", "columns": {"user": "who"}}, "no column 'who' for the user"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path, asked: dict[str, object], words: str) -> None:
    with pytest.raises(LogError, match=words) as error:
        evaluate_log(Request(log(tmp_path), **{"columns": {}, **asked}))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_figures_are_written_as_json_and_told_as_a_table(tmp_path: Path) -> None:
    report = evaluate_log(Request(log(tmp_path), "next-basket", {}, lengths="5,10"))
    report.write(tmp_path / "out" / "figures.json")
    found = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert found["customers"] == 60
    assert found["foretold"] == "the last basket of each user"
    assert "foretold: the last basket of each user" in report.lines
    assert set(found["methods"]["regulars"]) >= {"recall@5", "ndcg@10", "coverage@10", "fit_seconds"}
    assert any(line.startswith("regulars ") for line in report.lines)
    assert report.lines[-1].endswith("s in all")
