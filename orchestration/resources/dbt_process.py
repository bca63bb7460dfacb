"""The dbt command of a run, ``regulars-dbt``: dbt's own command line over the project as it was parsed once.

dbt parses a project anew whenever a variable or the warehouse is another, and those are others in each run of each
shop. Nothing in this project's manifest depends on them: whoever makes a ``ref`` depend on a variable breaks that,
and dbt says so ("unable to infer all dependencies").

Belongs here: the process. Does not belong here: who starts it and who parses (``resources.dbt``).
"""

import gc
import sys
from importlib.metadata import version

from orchestration.settings import PROJECT_ROOT

RELEASES = "-".join(version(name) for name in ("dbt-core", "dbt-duckdb"))
PARSED = PROJECT_ROOT / "dbt_project" / "target" / f"parsed-{RELEASES}.msgpack"
"""What these releases of dbt and of its adapter, whose macros are part of it, have parsed."""


def main() -> None:
    """Run dbt with the arguments of this process; exit with the codes that dbt has.

    What dbt has imported and parsed stays until the end, so that the garbage collector need not walk through it, least
    of all at the end (together 1.5 of 7 s).
    """
    gc.disable()
    from dbt.cli.main import dbtRunner  # here: who starts this process knows PARSED without importing dbt
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest = Manifest.from_msgpack(PARSED.read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()  # what macros see as `graph`; it is not kept with the rest
    gc.freeze()
    gc.enable()
    done = dbtRunner(manifest=manifest).invoke(sys.argv[1:])
    gc.freeze()
    sys.exit(0 if done.success else 2 if done.exception else 1)
