"""The recommender as it is kept: weights and parameters, in one JSON file; no array, no item, no customer.

Belongs here: the frozen part, and fitting it to an as-of. Does not belong here: how weights are found (``training``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ml.recommender.blend import Blend, even
from ml.recommender.block import Block
from ml.recommender.data import World
from ml.recommender.generators import GENERATORS
from ml.recommender.popularity import Popularity, popularity
from ml.recommender.protocol import Generator
from ml.recommender.rhythm import Rhythm, rhythm
from ml.recommender.sparse import Csr

FORMAT = 1
POPULAR_HALF_LIFE_DAYS = 60.0
UNTRAINED = "recommender/untrained"


class ModelFileError(ValueError):
    """A model folder that this release cannot serve."""


@dataclass(frozen=True)
class RecommenderModel:
    """What training decides; everything else is counted anew at each as-of."""

    blend: Blend
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By generator, its constructor's arguments; the defaults where there are none."""

    def save(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "generators": {name: parameters_of(generator) for name, generator in self._make().items()},
            "weights": self.blend.weights.tolist(),
        }
        (folder / "model.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return folder

    @classmethod
    def load(cls, folder: Path) -> RecommenderModel:
        """Read a model.

        Raises
        ------
        ModelFileError
            It was trained with other generators, or written in another format.
        """
        content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if content["format"] != FORMAT or list(content["generators"]) != list(GENERATORS):
            raise ModelFileError(f"it was trained with {', '.join(content['generators'])}")
        return cls(Blend(np.array(content["weights"])), content["generators"])

    @classmethod
    def untrained(cls) -> RecommenderModel:
        """Every generator counts the same."""
        return cls(even(len(GENERATORS)))

    def fit(self, world: World) -> Fitted:
        """Count what the as-of knows."""
        generators = list(self._make().values())
        for generator in generators:
            generator.fit(world)
        popular = popularity(world, half_life_days=POPULAR_HALF_LIFE_DAYS, shrinkage=0)
        return Fitted(world, generators, popular, rhythm(world))

    def counts_like(self, other: RecommenderModel) -> bool:
        """Whether both make the same of the same interactions, so that only their weights differ."""
        mine, theirs = self._make(), other._make()
        return all(parameters_of(mine[name]) == parameters_of(theirs[name]) for name in GENERATORS)

    def _make(self) -> dict[str, Generator]:
        return {name: make(**self.parameters.get(name, {})) for name, make in GENERATORS.items()}


def parameters_of(generator: Any) -> dict[str, Any]:
    """A generator's constructor arguments."""
    return {f.name: getattr(generator, f.name) for f in fields(generator) if f.init}


@dataclass(frozen=True)
class Fitted:
    """Generators that know an as-of. It depends on no weights, so that several models can share it."""

    world: World
    generators: Sequence[Generator]
    popularity: Popularity
    rhythm: Rhythm

    def propose(self, block: Block) -> list[Csr]:
        """What each generator gives to each customer of the block."""
        return [generator.score(block) for generator in self.generators]
