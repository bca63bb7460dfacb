"""The graph as a picture, drawn from the definitions themselves: ``make picture`` writes ``docs/graph.svg``.

Belongs here: laying stages out from left to right with what they make. Does not belong here: the graph.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import dagster as dg

STAGES = (
    "landing", "identity", "profiles", "churn", "value", "recommendations", "actions", "activation", "report",
)  # fmt: skip
"""In the order in which data flow."""
COLOURS = (
    "#dbeafe", "#e0e7ff", "#ede9fe", "#fce7f3", "#fef3c7", "#ffedd5", "#ecfccb", "#dcfce7", "#f3f4f6",
)  # fmt: skip
MOST_NAMES = 11
WIDTH, GAP, LINE = 3.1, 0.75, 0.34


def draw(definitions: dg.Definitions, target: Path) -> None:
    """Write the picture of the graph's stages and of what each makes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    names, reads = _stages(definitions)
    height = (MOST_NAMES + 2) * LINE
    figure = Figure(figsize=(len(STAGES) * (WIDTH + GAP) * 0.8, height * 0.95))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-0.2, len(STAGES) * (WIDTH + GAP) - GAP + 0.2)
    axes.set_ylim(-height - 0.9, 0.4)
    axes.axis("off")
    for place, (stage, colour) in enumerate(zip(STAGES, COLOURS, strict=True)):
        left = place * (WIDTH + GAP)
        axes.add_patch(
            FancyBboxPatch(
                (left, -height), WIDTH, height, boxstyle="round,pad=0.08", facecolor=colour, edgecolor="#6b7280"
            )
        )
        axes.text(left + WIDTH / 2, -0.22, stage, ha="center", va="center", fontsize=13, weight="bold", color="#111827")
        for line, name in enumerate(_shown(names[stage])):
            axes.text(
                left + 0.08, -(line + 1.9) * LINE, name, fontsize=8.2, va="center", color="#1f2937", family="monospace"
            )
    _draw_arrows(axes, reads, height)
    target.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": "regulars"}):  # else every drawing of the same graph differs
        figure.savefig(target, facecolor="white", metadata={"Date": None} if target.suffix == ".svg" else None, dpi=110)


def _stages(definitions: dg.Definitions) -> tuple[dict[str, list[str]], set[tuple[str, str]]]:
    graph = definitions.resolve_asset_graph()
    made = [key for key in sorted(graph.get_all_asset_keys()) if graph.get(key).is_materializable]
    group = {key: graph.get(key).group_name for key in made}
    names: dict[str, list[str]] = defaultdict(list)
    reads = set()
    for key in made:
        names[str(group[key])].append(key.to_user_string())
        for parent in graph.get(key).parent_keys:
            if parent in group and group[parent] != group[key]:
                reads.add((str(group[parent]), str(group[key])))
    return names, reads


def _shown(names: list[str]) -> list[str]:
    """All names where they fit; else one line for each schema with its count, and the names of the small ones."""
    if len(names) <= MOST_NAMES:
        return names
    by_schema: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_schema[name.split("/")[0]].append(name)
    lines: list[str] = []
    for schema, members in by_schema.items():
        room = MOST_NAMES - len(lines) - 1
        some = [f"  {name.split('/')[1]}" for name in members][: max(2, room // 2)]
        lines += [f"{schema}/  ({len(members)})", *some, *(["  …"] if len(members) > len(some) else [])]
    return lines[: MOST_NAMES + 1]


def _draw_arrows(axes: Any, reads: set[tuple[str, str]], height: float) -> None:
    """One arrow between neighbours; that later stages also read earlier ones would only blur the picture."""
    for earlier, later in sorted(reads):
        start, end = STAGES.index(earlier), STAGES.index(later)
        if end == start + 1:
            x = start * (WIDTH + GAP) + WIDTH + 0.1
            arrow = {"arrowstyle": "-|>", "color": "#374151", "lw": 1.6}
            axes.annotate("", xy=(x + GAP - 0.2, -height / 2), xytext=(x, -height / 2), arrowprops=arrow)


def main() -> None:
    """Draw the project's own graph into ``docs``."""
    from orchestration.definitions import defs
    from orchestration.settings import PROJECT_ROOT

    draw(defs(), PROJECT_ROOT / "docs" / "graph.svg")


if __name__ == "__main__":
    main()
