"""``make bench``: what the project promises about size and accuracy, measured and written to ``bench/``.

Figures of memory are ratios between two runs of this very call, because absolute figures of a machine mean little.
Accuracy is held against the oracle of worlds whose seed and settings no test or default uses.

Usage: ``python -m tests.bench [size] [oracle] [cdnow]``; all by default, CDNOW where its file lies beside the project.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from cdnow_world import FILE, compare, lines
from worlds import ROOT, Deployment, demo

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


def run(folder: Path, customers: int, **simulator: float) -> tuple[Deployment, dict[str, object]]:
    """One whole run from nothing; the record of its stages."""
    deployment = demo(folder, customers)
    path = folder / "shops" / "demo" / "shop.yml"
    content = yaml.safe_load(path.read_text())
    content["simulator"] |= simulator
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    done = deployment.run("run", timeout=7200)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    print(done.stdout)
    record = json.loads(next(deployment.workspace.state.reports.glob("run-*.json")).read_text())
    stop_server(deployment.workspace.state.postgres)
    return deployment, record


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


def cdnow(_: Path) -> dict[str, object]:
    """Nine months of CDNOW known, the next nine judged: the learner on top of buy till you die against each model."""
    if not FILE.exists():
        print(f"cdnow: the data set is not at {FILE}")
        return {}
    comparison = compare()
    differences = comparison.differences()
    print("\n".join(lines(comparison, differences)))
    return {
        "metrics": {name: comparison.metrics(name) for name in comparison.predictions},
        "differences": {name: {m: asdict(d) for m, d in one.items()} for name, one in differences.items()},
    }


def main(wanted: list[str]) -> None:
    results = ROOT / "bench"
    results.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="regulars-") as name:
        Path(name).chmod(0o755)
        for measure in (size, oracle, cdnow):
            if not wanted or measure.__name__ in wanted:
                figures = measure(Path(name))
                (results / f"{measure.__name__}.json").write_text(json.dumps(figures, indent=1, default=str))


if __name__ == "__main__":
    main(sys.argv[1:])
