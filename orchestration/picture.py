"""The graph as a picture, drawn from the definitions themselves: ``make picture`` writes ``docs/graph.svg``.

Belongs here: laying stages out line by line with what they make. Does not belong here: the graph.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
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
COLUMNS, MOST_NAMES = 3, 12
WIDTH, GAP, LINE = 3.3, 0.75, 0.34
INK, ARROW = "#1f2937", {"arrowstyle": "-|>", "color": "#374151", "lw": 1.6}


@dataclass(frozen=True)
class Box:
    """Where a stage stands; boxes of one row are of one height."""

    left: float
    top: float
    height: float


def draw(definitions: dg.Definitions, target: Path) -> None:
    """Write the picture of the graph's stages and of what each makes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names, reads = _stages(definitions)
    shown = [_shown(names[stage]) for stage in STAGES]
    boxes = _boxes([len(lines) for lines in shown])
    across, down = COLUMNS * (WIDTH + GAP) - GAP, boxes[-1].height - boxes[-1].top
    figure = Figure(figsize=(0.8 * (across + 0.4), 0.8 * (down + 0.4)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.2, across + 0.2), ylim=(-down - 0.2, 0.2))
    axes.axis("off")
    for place, (stage, colour) in enumerate(zip(STAGES, COLOURS, strict=True)):
        _draw_stage(axes, boxes[place], stage, shown[place], colour)
        if place and (STAGES[place - 1], stage) in reads:
            _draw_arrow(axes, boxes[place - 1], boxes[place])
    target.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": "regulars"}):  # else every drawing of the same graph differs
        figure.savefig(target, facecolor="white", metadata={"Date": None} if target.suffix == ".svg" else None, dpi=110)


def _boxes(lines: list[int]) -> list[Box]:
    boxes, top = [], 0.0
    for start in range(0, len(lines), COLUMNS):
        row = lines[start : start + COLUMNS]
        height = (max(row) + 1.6) * LINE
        boxes += [Box(column * (WIDTH + GAP), top, height) for column in range(len(row))]
        top -= height + GAP
    return boxes


def _draw_stage(axes: Any, box: Box, stage: str, lines: list[str], colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner, style = (box.left, box.top - box.height), "round,pad=0.08"
    axes.add_patch(FancyBboxPatch(corner, WIDTH, box.height, boxstyle=style, facecolor=colour, edgecolor="#6b7280"))
    heading = {"ha": "center", "va": "center", "fontsize": 13, "weight": "bold", "color": INK}
    axes.text(box.left + WIDTH / 2, box.top - 0.2, stage, **heading)
    for line, text in enumerate(lines):
        y, name = box.top - (line + 1.7) * LINE, {"fontsize": 8.2, "va": "center", "color": INK, "family": "monospace"}
        axes.text(box.left + 0.06, y, text, **name)


def _draw_arrow(axes: Any, before: Box, box: Box) -> None:
    """From the stage before; to the next row around the corner.

    That later stages also read earlier ones would only blur the picture.
    """
    if box.top == before.top:
        y = box.top - box.height / 2
        axes.annotate("", xy=(box.left - 0.1, y), xytext=(box.left - GAP + 0.1, y), arrowprops=ARROW)
        return
    start, end, y = before.left + WIDTH / 2, box.left + WIDTH / 2, box.top + GAP / 2
    axes.plot([start, start, end], [before.top - before.height - 0.1, y, y], color=ARROW["color"], lw=ARROW["lw"])
    axes.annotate("", xy=(end, box.top + 0.08), xytext=(end, y), arrowprops={**ARROW, "shrinkA": 0})


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
    each = MOST_NAMES // len(by_schema)
    for schema, members in by_schema.items():
        some = members if len(members) < each else members[: each - 2]
        lines += [f"{schema}/  ({len(members)})", *(f"  {name.split('/')[1]}" for name in some)]
        lines += ["  …"] if len(some) < len(members) else []
    return lines


def main() -> None:
    """Draw the project's own graph into ``docs``."""
    from orchestration.definitions import defs
    from orchestration.settings import PROJECT_ROOT

    draw(defs(), PROJECT_ROOT / "docs" / "graph.svg")


if __name__ == "__main__":
    main()
