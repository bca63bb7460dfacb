"""What a user sees after ``regulars run`` on the demo: files, Postgres, summary, truth told about dirty rows."""

import json
import os
from collections import Counter
from pathlib import Path

import duckdb
import psycopg
from worlds import Deployment, demo

from orchestration.landing import batches
from orchestration.publishing.files import current_generation
from orchestration.publishing.server import postgres_url


def scores(deployment: Deployment) -> duckdb.DuckDBPyRelation:
    generation = current_generation(deployment.workspace.state.published)
    assert generation is not None
    return duckdb.sql(f"from '{generation.file('customer_scores')}'")


def test_scores_are_published_with_reasons_in_words(finished_demo: Deployment) -> None:
    rows = scores(finished_demo)
    scored = rows.filter("status = 'scored'")
    assert scored.shape[0] > 100
    assert scored.filter("churn_probability not between 0 and 1 or churn_reason_3 is null").shape[0] == 0
    first = scored.order("customer_id").limit(1).df().iloc[0]
    assert " " in first["churn_reason_1"], "words, not the name of a feature"


def test_without_permission_to_profile_a_row_says_nothing(finished_demo: Deployment) -> None:
    silent = scores(finished_demo).filter("not may_profile")
    assert silent.shape[0] > 0
    for column in ("churn_probability", "churn_band", "churn_reason_1", "lifecycle_stage", "historic_clv"):
        assert silent.filter(f"{column} is not null").shape[0] == 0, column
    assert silent.filter("status <> 'not_profiled'").shape[0] == 0


def test_everybody_has_a_full_list_and_only_who_asked_for_it_a_personal_one(finished_demo: Deployment) -> None:
    generation = current_generation(finished_demo.workspace.state.published)
    assert generation is not None
    lists = f"'{generation.file('recommendations')}'"
    people = f"'{generation.file('customer_scores')}'"
    unlike = duckdb.sql(
        f"select count(*) from {lists} join {people} using (customer_id) "
        "where (arm = 'personalised') <> (may_profile and may_personalise)"
    )
    assert unlike.fetchone() == (0,)
    short = duckdb.sql(f"select customer_id from {lists} group by 1 having count(*) <> 10 or max(rank) <> 10")
    assert short.fetchall() == []
    assert duckdb.sql(f"select count(distinct arm), count(distinct source) > 4 from {lists}").fetchone() == (2, True)
    explored = duckdb.sql(
        f"select min(rank), min(propensity) > 0, max(propensity) < 1 from {lists} where source = 'discovery'"
    )
    assert explored.fetchone() == (10, True, True)
    with duckdb.connect(str(generation.views), read_only=True) as connection:
        (neighbours,) = connection.execute("select count(*) from crm.item_neighbours").fetchone() or (0,)
    assert neighbours > 0


def test_lists_can_be_held_against_what_was_bought_and_made_again_without_discovery(finished_demo: Deployment) -> None:
    done = finished_demo.run("evaluate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "customers with a list of their own bought within 30 days" in done.stdout
    assert "recall@10, NDCG@10, recall@10 of popularity, by purchases known of the customer" in done.stdout
    assert "discovery off" in done.stdout, "the same model makes the published lists again"
    assert "discovery slots" in done.stdout


def test_postgres_answers_with_the_same_rows(finished_demo: Deployment) -> None:
    workspace = finished_demo.workspace
    with psycopg.connect(postgres_url(None, workspace.state.postgres)) as connection:
        found = connection.execute("select count(*) from crm.customer_scores").fetchone()
    assert found == (scores(finished_demo).shape[0],)


def test_the_summary_says_what_was_published_and_where_to_read_it(finished_demo: Deployment) -> None:
    output = (finished_demo.folder / "output.txt").read_text()
    assert "customer_scores.parquet" in output
    assert "psql -c 'select count(*) from crm.customer_scores'" in output
    assert "in quarantine" in output
    record = json.loads(next((finished_demo.workspace.state.reports).glob("run-*.json")).read_text())
    stages = record["stages"]
    first = ["landing", "withdrawn consents", "input manifest", "staging"]
    assert [stage["stage"] for stage in stages][:4] == first
    assert all(stage["seconds"] >= 0 and stage["succeeded"] for stage in stages)
    assert record["seconds"] > sum(stage["seconds"] for stage in stages)  # what lies between them is time too


def test_landing_counts_every_dirty_row_that_the_simulator_wrote(finished_demo: Deployment) -> None:
    truth = json.loads((finished_demo.workspace.state.root / "truth" / "dirty_rows.json").read_text())
    landed = {batch.file: batch for several in batches(finished_demo.workspace.state).values() for batch in several}
    assert set(landed) == set(truth)
    for file, expected in truth.items():
        batch = landed[file]
        assert batch.rows_in == expected["rows"], file
        found: Counter[str] = Counter()
        for rule in batch.rules:
            found[rule.rule] += rule.rows
        assert found == Counter(expected["dirty"]), file
        assert batch.quarantined == sum(expected["dirty"].values()), file
        assert batch.duplicates == expected["duplicates"], file
        assert batch.rows_in == batch.accepted + batch.quarantined + batch.duplicates + batch.refused + batch.erased


def _states(published: dict[str, str]) -> dict[str, str]:
    """Tables that say how things are; the others say what became different since the generation before."""
    by_file = {name.split("/")[1]: digest for name, digest in published.items()}
    return {name: digest for name, digest in by_file.items() if not name.endswith(("_changes.parquet", ".json"))}


def test_a_replay_elsewhere_on_another_day_gives_the_same_bytes(finished_demo: Deployment, open_folder: Path) -> None:
    """One thread against two, another time zone, another day, files that arrived in another order."""
    keys = str(finished_demo.folder / "keys")  # tokens are made with them, so they are part of the content
    elsewhere = {"REGULARS_THREADS": "1", "TZ": "Asia/Tokyo", "REGULARS_CLOCK": "2031-03-04T05:06:07Z"}
    replay = demo(open_folder, REGULARS_KEYS_DIR=keys, **elsewhere)
    landing = replay.folder / "data" / "demo" / "landing"
    landing.mkdir(parents=True)
    originals = sorted((finished_demo.folder / "data" / "demo" / "landing").iterdir(), reverse=True)
    for moment, file in enumerate(originals):
        copy = landing / file.name
        copy.write_bytes(file.read_bytes())
        os.utime(copy, (1_000_000_000 + moment, 1_000_000_000 + moment))
    done = replay.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert replay.published() == json.loads((finished_demo.folder / "first.json").read_text())


def test_doctor_finds_a_finished_shop_well(finished_demo: Deployment) -> None:
    done = finished_demo.run("doctor")
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout


def test_the_same_run_again_without_postgres_changes_no_file_and_a_retry_goes_on_from_there(
    finished_demo: Deployment,
) -> None:
    before = _states(finished_demo.published())
    lost = Deployment(
        finished_demo.folder, environment={"REGULARS_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none"}
    )
    done = lost.run("run", "--no-train")
    assert done.returncode == 1
    assert "✓ publish files" in done.stdout
    assert "✗ publish Postgres" in done.stdout
    assert "regulars run --retry" in done.stdout
    assert _states(finished_demo.published()) == before

    for deployment, code in ((lost, 1), (finished_demo, 0)):
        retried = deployment.run("run", "--retry")
        assert retried.returncode == code, retried.stdout + retried.stderr
        assert f"{'✗' if code else '✓'} publish Postgres" in retried.stdout
        assert "landing" not in retried.stdout.split("Landed so far")[0], "a retry of a retry goes on there too"
    assert _states(finished_demo.published()) == before
