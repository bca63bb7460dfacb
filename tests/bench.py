"""``make bench``: what the project promises about size and accuracy, measured and written to ``bench/``.

Figures of memory are ratios between two runs of this very call, because absolute figures of a machine mean little.
Accuracy is held against the oracle of worlds whose seed and settings no test or default uses.

Speed of scoring is a ratio to LightGBM's bare ``predict`` on the same rows in the same run.

Usage: ``python -m tests.bench [size] [oracle] [contracts] [recommender] [lists] [scoring] [sampling] [fallback]
[survival] [next_order] [cdnow]``; all by default, real data where their files lie beside the project.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
import cdnow_world
import fallback_world
import hazard_worlds
import recommender_oracle
import recommender_scale
import rhythm_worlds
import scoring_world
from worlds import ROOT, Deployment, contract_shop, demo

from ml.churn.calibration import Level
from ml.churn.explain import explain
from ml.churn.reasons import reasons
from ml.churn.training import TrainingPlan
from ml.evaluation import Floats, auc, auc_error, expit, log_loss
from ml.parallel import in_order
from orchestration import evaluation
from orchestration.publishing.server import stop_server

FRESH = {
    "seed": 20_261,
    "order_rate_scale": 1.3,
    "season_strength": 1.4,
    "yearly_trend": -0.1,
    "ticket_harm_scale": 1.5,
}
"""Settings of the fresh world; changed whenever somebody has looked at them while tuning."""
FRESH_CONTRACTS = {"seed": 20_262, "leaving_rate_scale": 1.2, "session_rate_scale": 0.9, "ticket_harm_scale": 1.3}
"""The same of the fresh studio."""


def run(folder: Path, customers: int, **simulator: float) -> tuple[Deployment, dict[str, object]]:
    """One whole run of the demo shop from nothing; the record of its stages."""
    deployment = demo(folder, customers)
    path = folder / "shops" / "demo" / "shop.yml"
    content = yaml.safe_load(path.read_text())
    content["simulator"] |= simulator
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return deployment, finished(deployment)


def finished(deployment: Deployment) -> dict[str, object]:
    """Run a shop from nothing; the record of its stages."""
    done = deployment.run("run", timeout=7200)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    print(done.stdout)
    record: dict[str, object] = json.loads(next(deployment.workspace.state.reports.glob("run-*.json")).read_text())
    stop_server(deployment.workspace.state.postgres)
    return record


def size(folder: Path) -> dict[str, object]:
    """20,000 customers and about 600,000 events against 100,000 and 3 million: peak memory by ratio, time by stage."""
    _, small = run(folder / "small", 20_000, events_per_session=1.85)
    _, large = run(folder / "large", 100_000, events_per_session=1.85)
    ratio = large["peak_megabytes"] / small["peak_megabytes"]  # type: ignore[operator]
    print(
        f"peak memory {large['peak_megabytes']} MB / {small['peak_megabytes']} MB = {ratio:.2f} (promised: below 2.5)"
    )
    return {"small": small, "large": large, "ratio": ratio}


def oracle(folder: Path) -> dict[str, object]:
    """A world never looked at: how much of what could be known the model knew."""
    deployment, _ = run(folder / "fresh", 15_000, **FRESH)
    found = evaluation.evaluate_scores(deployment.workspace, deployment.workspace.default_as_of())
    print("\n".join(evaluation.lines(found)))
    return {"settings": FRESH, **asdict(found), "share": found.oracle.share if found.oracle else None}


def contracts(folder: Path) -> dict[str, object]:
    """A studio never looked at, of 60,000 customers: how much of what could be known of leaving the model knew."""
    deployment = contract_shop(folder / "studio", 60_000, **FRESH_CONTRACTS)
    deployment.environment["REGULARS_MEMORY_LIMIT"] = "6GB"
    finished(deployment)
    found = evaluation.evaluate_scores(deployment.workspace, deployment.workspace.default_as_of())
    print("\n".join(evaluation.lines(found)))
    return {"settings": FRESH_CONTRACTS, **asdict(found), "share": found.oracle.share if found.oracle else None}


def recommender(folder: Path) -> dict[str, object]:
    """Lists in a world never looked at: what of the true tastes they know, what discovery costs, who is cold."""
    deployment, record = run(folder / "tastes", 15_000, **FRESH)
    shop = recommender_oracle.known(deployment)
    found = {
        "share_of_oracle": recommender_oracle.share_of_oracle(shop),
        "discovery": recommender_oracle.discovery(shop, deployment.workspace.shop.recommendations.calibration),
        "cold": recommender_oracle.cold(shop),
        "stages": record,
    }
    for name in ("share_of_oracle", "discovery", "cold"):
        print(name, {key: round(value, 4) for key, value in found[name].items()})  # type: ignore[attr-defined]
    return found


def lists(folder: Path) -> dict[str, object]:
    """Lists of ten after the rules, each stage in a process of its own: a twentieth of the size first, then a million
    customers, twenty thousand items and thirty million purchases."""
    found: dict[str, object] = {}
    for customers in (50_000, 1_000_000):
        own = folder / str(customers)
        own.mkdir()
        for stage in ("teach", "parts", "lists"):
            child = [sys.executable, recommender_scale.__file__, stage, str(customers), "20000", str(own)]
            told = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
            print(told)
            found[f"{stage} {customers}"] = told
    print("promised for a million: 10,000 customers per second, 8,000 MB")
    return found


def cdnow(_: Path) -> dict[str, object]:
    """Nine months of CDNOW known, the next nine judged: the learner on top of buy till you die against each model."""
    if not cdnow_world.FILE.exists():
        print(f"cdnow: the data set is not at {cdnow_world.FILE}")
        return {}
    comparison = cdnow_world.compare()
    differences = comparison.differences()
    print("\n".join(cdnow_world.lines(comparison, differences)))
    return {
        "metrics": {name: comparison.metrics(name) for name in comparison.predictions},
        "differences": {name: {m: asdict(d) for m, d in one.items()} for name, one in differences.items()},
    }


def scoring(folder: Path) -> dict[str, object]:
    """A million customers of 80 features: score and reasons in words against the bare trees; then files to file."""
    model = scoring_world.train(folder / "model")
    X = np.concatenate([scoring_world.draw(100_000, 1000 + part)[0] for part in range(10)])

    def bare() -> None:
        model.trees.margin(X, 2)

    def spoken(part: NDArray[np.float32]) -> tuple[Floats, list[pa.Array]]:
        margin, found = explain(model, part, is_compiled=True)
        said = reasons(found, part, model.names)
        words = [one.arrow(rank) for one in (said.name, said.internal, said.customer) for rank in range(3)]
        return Level().probability(margin).round(6), words

    def reasoned() -> None:
        for _ in in_order(spoken, np.split(X, range(65_536, len(X), 65_536)), 2):
            pass

    ready = _seconds(lambda: explain(model, X[:1], is_compiled=True))
    taken = [(_seconds(bare), _seconds(reasoned)) for _ in range(ROUNDS)]
    rates = [round(len(X) / statistics.median(one)) for one in zip(*taken, strict=True)]
    ratio = round(statistics.median(alone / both for alone, both in taken), 3)
    print(f"rows/s: bare {rates[0]:,}, with reasons {rates[1]:,}: ratio {ratio} (promised: 0.9)")
    print(f"{ready:.1f} s for tables and compilation before")
    files = {}
    for rows in (250_000, 1_000_000):
        scoring_world.write(folder / str(rows), rows)
        child = [sys.executable, scoring_world.__file__, str(folder / str(rows))]
        files[rows] = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
        print(f"files to file: {files[rows]}")
    return {"bare": rates[0], "with_reasons": rates[1], "ratio": ratio, "ready_seconds": ready, "files": files}


def sampling(_: Path, most: int = 1_000_000) -> dict[str, object]:
    """A million snapshot rows of 80 features, and parts of them: how long a training takes, what more rows are worth.

    Half as many each time; where twice as many add less than the noise, more need not be read.
    """
    (X, y), (unseen, happened) = scoring_world.draw_many(most, 10_000), scoring_world.draw_many(most // 4, 7)
    found: dict[int, dict[str, float]] = {}
    for rows in (most >> halved for halved in range(5, -1, -1)):
        start = time.perf_counter()
        model = scoring_world.fit(X[:rows], y[:rows])
        seconds = time.perf_counter() - start
        p = expit(model.margin(unseen, threads=2))
        found[rows] = {"seconds": seconds, "auc": auc(happened, p), "log_loss": log_loss(happened, p)}
        print("{:>9,} rows: {:6.1f} s, AUC {:.4f}, log-loss {:.4f}".format(rows, *found[rows].values()))
    error, default = auc_error(happened, p), TrainingPlan.max_rows
    print(f"standard error of each AUC {error:.4f}; a training reads {default:,} rows at most")
    return {"by_rows": found, "auc_error": error, "default": default}


def fallback(_: Path, draws: int = 2) -> dict[str, object]:
    """Tiny and young shops drawn out of larger ones: what speaks for them, against all that could."""
    found = {}
    for half, said in enumerate(("what the fallback was chosen on", "other customers at other as-ofs")):
        shops = fallback_world.judged(half, draws)
        print("\n".join([f"{said}:", *fallback_world.lines(shops)]))
        found[said] = shops.to_dict("records")
    return found


def survival(folder: Path) -> dict[str, object]:
    """Hazards of contracts against the classifier of the horizon, in worlds whose settings no test or default uses."""
    worlds = [hazard_worlds.judged(folder / f"contracts{k}", own) for k, own in enumerate(hazard_worlds.WORLDS)]
    print("\n".join(hazard_worlds.lines(worlds)))
    return {
        str(own): {"figures": one.figures(), "differences": {k: str(v) for k, v in one.differences().items()}}
        for own, one in zip(hazard_worlds.WORLDS, worlds, strict=True)
    }


def next_order(_: Path) -> dict[str, object]:
    """Expected days of the next order by pace and rhythm, and by each alone, in more and less regular shops."""
    found = {variation: rhythm_worlds.judged(variation) for variation in (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)}
    print("\n".join(rhythm_worlds.lines(found)))
    return {str(variation): one for variation, one in found.items()}


ROUNDS = 5
"""How often either way is timed, by turns."""


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


MEASURES = (
    size, oracle, contracts, recommender, lists, scoring, sampling, fallback, survival, next_order, cdnow,
)  # fmt: skip


def main(wanted: list[str]) -> None:
    results = ROOT / "bench"
    results.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="regulars-") as name:
        Path(name).chmod(0o755)
        for measure in MEASURES:
            if not wanted or measure.__name__ in wanted:
                figures = measure(Path(name))
                (results / f"{measure.__name__}.json").write_text(json.dumps(figures, indent=1, default=str))


if __name__ == "__main__":
    main(sys.argv[1:])
