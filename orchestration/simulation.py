"""Files of a simulated shop: the demo's, and the worlds of tests and bench.

Belongs here: when and where ``ml.simulator`` writes. Does not belong here: the world. The truth lies beside the
landing folder, where no stage of the pipeline looks.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.progress import Progress
from orchestration.shop import ShopError
from orchestration.workspace import Workspace


def truth_folder(workspace: Workspace) -> Path:
    """What really goes on in a simulated shop; for evaluation only."""
    return workspace.state.root / "truth"


def simulate_if_asked(workspace: Workspace, progress: Progress) -> None:
    """Write the landing files of a shop with a ``simulator:`` block, unless they are there already.

    Raises
    ------
    ShopError
        The block has a setting that the simulator does not know, or a value out of range.
    """
    if workspace.shop.simulator is None:
        return
    from ml.simulator import WorldConfig, WorldError, simulate

    try:
        config = WorldConfig.from_settings(workspace.shop.simulator)
    except WorldError as error:
        raise ShopError(f"{workspace.shop.folder / 'shop.yml'}: simulator: {error}") from error
    with progress.task("simulated shop"):
        simulate(config, workspace.landing_folder, truth_folder(workspace))
