"""What whoever operates a shop types after its first run: backup, restore, backfill, the next day, rollback."""

import shutil
from collections.abc import Iterator

import duckdb
import psycopg
import pytest
from worlds import Deployment, folder_for_a_server

from ml import registry
from orchestration.publishing.files import current_generation
from orchestration.publishing.server import postgres_url


@pytest.fixture(scope="module")
def restored(finished_demo: Deployment) -> Iterator[Deployment]:
    """The finished demo, brought back from its backup into an empty deployment."""
    with folder_for_a_server() as folder:
        shutil.copytree(finished_demo.folder / "shops", folder / "shops")
        archive = folder / "demo.tar.gz"
        done = finished_demo.run("backup", str(archive))
        assert done.returncode == 0, done.stdout + done.stderr
        deployment = Deployment(folder)
        done = deployment.run("restore", str(archive))
        assert done.returncode == 0, done.stdout + done.stderr
        yield deployment


def shown(deployment: Deployment) -> tuple[str, str]:
    """Generation in files and in Postgres."""
    workspace = deployment.workspace
    generation = current_generation(workspace.state.published)
    assert generation is not None
    with psycopg.connect(postgres_url(None, workspace.state.postgres)) as connection:
        row = connection.execute("select generation_id from crm.generations where is_current").fetchone()
    assert row is not None
    return generation.generation_id, row[0]


def count(deployment: Deployment, account: str) -> tuple[int, int]:
    """How many rows readers find for an account, in the files' views and in Postgres."""
    workspace = deployment.workspace
    generation = current_generation(workspace.state.published)
    assert generation is not None
    select = f"select count(*) from crm.customer_profiles where external_id = '{account}'"
    with duckdb.connect(str(generation.views), read_only=True) as views:
        in_files = views.execute(select).fetchone()
    with psycopg.connect(postgres_url(None, workspace.state.postgres)) as connection:
        in_postgres = connection.execute(select).fetchone()  # type: ignore[arg-type]
    assert in_files is not None
    assert in_postgres is not None
    return in_files[0], in_postgres[0]


def test_a_restored_shop_shows_what_was_backed_up(restored: Deployment, finished_demo: Deployment) -> None:
    assert restored.published() == finished_demo.published()
    assert oct((restored.folder / "demo.tar.gz").stat().st_mode & 0o777) == "0o600"


def test_a_restore_overwrites_nothing(restored: Deployment) -> None:
    done = restored.run("restore", str(restored.folder / "demo.tar.gz"))
    assert done.returncode == 2
    assert "not empty" in done.stderr


@pytest.mark.slow
def test_a_model_of_a_restored_shop_is_trained_again_to_the_byte(restored: Deployment) -> None:
    state = restored.workspace.state
    version = registry.champion(state.mlflow, "demo", "value")
    assert version is not None
    done = restored.run("reproduce", version.run_id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{version.spoken}: the same bytes" in done.stdout
    unknown = restored.run("reproduce", "f" * 32)
    assert unknown.returncode == 2
    assert "registered no churn or value model" in unknown.stderr


@pytest.mark.slow
def test_models_are_judged_month_after_month(restored: Deployment) -> None:
    done = restored.run("backtest", "--from", "2025-02-01", "--to", "2025-03-01", "--worth")
    assert done.returncode == 0, done.stdout + done.stderr
    for model in ("churn", "value"):
        assert f"{model}: " in done.stdout
    assert "rows on 2 dates" in done.stdout
    assert done.stdout.count("MLflow run") == 3, "one of each model and one of what touchpoints are worth"
    assert "what each touchpoint is worth" in done.stdout
    assert "support_tickets" in done.stdout
    late = restored.run("backtest", "--from", "2025-06-01", "--to", "2025-06-01")
    assert late.returncode == 2
    assert "lies ahead" in late.stderr


@pytest.mark.slow
def test_a_backfill_writes_the_past_and_the_next_day_is_published_and_rolled_back(restored: Deployment) -> None:
    before = current_generation(restored.workspace.state.published)
    assert before is not None

    backfilled = restored.run("backfill", "--from", "2025-06-30", "--to", "2025-06-30")
    assert backfilled.returncode == 0, backfilled.stdout + backfilled.stderr
    folders = {path.name.split("-")[0] for path in restored.workspace.state.published.iterdir() if path.is_dir()}
    assert "20250630" in folders
    assert current_generation(restored.workspace.state.published) == before

    tomorrow = restored.run("run", "--as-of", "2025-07-02")
    assert tomorrow.returncode == 0, tomorrow.stdout + tomorrow.stderr
    assert "churn model" not in tomorrow.stdout
    newer = shown(restored)
    assert newer[0].startswith("20250702")
    assert newer[0] == newer[1]

    account = duckdb.sql(
        f"select min(external_id) from '{before.file('customer_profiles')}' where external_id is not null"
    ).fetchone()
    assert account is not None
    assert count(restored, account[0]) == (1, 1)
    hidden = restored.run("suppress", account[0])
    assert "1 hidden" in hidden.stdout
    assert count(restored, account[0]) == (0, 0)

    back = restored.run("rollback")
    assert back.returncode == 0, back.stdout + back.stderr
    assert shown(restored) == (before.generation_id, before.generation_id)
    assert count(restored, account[0]) == (0, 0), "a rollback undoes no suppression"
