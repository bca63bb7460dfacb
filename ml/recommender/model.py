"""The recommender as it is kept: which generators, what each counts, the ranker that orders candidates.

Belongs here: the frozen part, its files (``model.json``, and those of the ranker), and fitting it to an as-of. Does not
belong here: how it is learned (``lessons``). No array, no item, no customer is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ml.model import ModelFileError
from ml.recommender.blend import Blend, even
from ml.recommender.block import Block, Source
from ml.recommender.candidates import CANDIDATES, Candidates, Context, candidates, feature_names
from ml.recommender.choice import choose, look
from ml.recommender.generators import GENERATORS
from ml.recommender.new_items import NewItems
from ml.recommender.popularity import Popularity, popularity
from ml.recommender.protocol import Generator
from ml.recommender.ranker import Ranker
from ml.recommender.rhythm import Rhythm, rhythm
from ml.recommender.rules import Case, Mode, allowed_of_proposed
from ml.recommender.sparse import Csr, Floats, Ints, cells, matrix, normalised
from ml.recommender.state import ItemStates, item_states

FORMAT = 4
READABLE = (3, FORMAT)
"""One of the release before is one without ``new_items``."""
OF_NEW = "new_items"
"""Folder of the ranker of new items."""
POPULAR_HALF_LIFE_DAYS = 60.0
UNTRAINED = "recommender/untrained"
SIDE_BY_SIDE = 2
Fits = dict[str, Generator]
"""Generators already fitted to a source, by name and parameters; several models share them."""


@dataclass(frozen=True)
class RecommenderModel:
    """What training decides; everything else is counted anew at each as-of."""

    generators: tuple[str, ...]
    blend: Blend
    ranker: Ranker | None = None
    mode: Mode = "mixed"
    most_candidates: int = CANDIDATES
    """Of each customer, for the ranker to order."""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By generator, its constructor's arguments; the defaults where there are none."""
    new_items: NewItems | None = None
    """Who orders what is new to a customer, in lists that hold repeats as well; None where too few taught it."""

    def save(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        made = {name: parameters_of(GENERATORS[name](**self.parameters.get(name, {}))) for name in self.generators}
        content = {
            "format": FORMAT,
            "generators": made,
            "weights": self.blend.weights.tolist(),
            "mode": self.mode,
            "most_candidates": self.most_candidates,
            "has_ranker": self.ranker is not None,
            OF_NEW: self.new_items.content() if self.new_items else None,
        }
        (folder / "model.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        if self.ranker:
            self.ranker.save(folder)
        if self.new_items:
            self.new_items.ranker.save(folder / OF_NEW)
        return folder

    @classmethod
    def load(cls, folder: Path) -> RecommenderModel:
        """Read a model.

        Raises
        ------
        ModelFileError
            A file is missing or broken, or it is of another release: its format, a generator, features.
        """
        try:
            content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            names = tuple(content["generators"])
            if content["format"] not in READABLE or not set(names) <= set(GENERATORS):
                raise ModelFileError(f"it was trained with {', '.join(names)}")
            features = feature_names(names)
            ranker = Ranker.load(folder, features) if content["has_ranker"] else None
            of_new = content.get(OF_NEW)
            new_items = NewItems.of(of_new, Ranker.load(folder / OF_NEW, features)) if of_new else None
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise ModelFileError(f"{folder} holds no whole recommender ({error}); train again") from error
        blend, most = Blend(np.array(content["weights"])), int(content["most_candidates"])
        return cls(names, blend, ranker, content["mode"], most, content["generators"], new_items)

    @classmethod
    def untrained(cls, mode: Mode = "mixed", source: Source | None = None) -> RecommenderModel:
        """Every generator counts the same; those that can say something of the source, where one is given."""
        names = choose(look(source), list(GENERATORS))[0] if source else list(GENERATORS)
        return cls(tuple(names), even(len(names)), mode=mode)

    def in_mode(self, asked: Mode | None) -> RecommenderModel:
        """The same model with lists as a shop asks for them; with its own where it does not."""
        return replace(self, mode=asked or self.mode)

    @property
    def order(self) -> str:
        """What puts candidates in order, in words."""
        if self.ranker is None:
            return "the blend (too few lists for a ranker)"
        words = _words(self.ranker)
        return f"{words}; what is new to a customer: {_words(self.new_items.ranker)}" if self.new_items else words

    def counts(self, block: Block, rows: Ints, items: Ints) -> Floats:
        """How much each generator counts for single customers and items, (cells, generators); of strangers the first
        blend speaks (``Fitted.scores``)."""
        own = self.blend.group_weights(block.purchases)[rows]
        if self.new_items:
            is_new = ~block.bought.contains(rows, items) & ~block.is_stranger[rows]
            own[is_new] = self.new_items.blend.group_weights(block.purchases)[rows[is_new]]
        return own

    def fit(self, source: Source, fits: Fits | None = None) -> Fitted:
        """Count what the as-of knows; generators in ``fits`` are taken from there, others added to it.

        Generators are fitted side by side, which changes no bit of any of them.
        """
        known = {} if fits is None else fits
        popular = popularity(source, half_life_days=POPULAR_HALF_LIFE_DAYS, shrinkage=0)
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            generators = list(pool.map(lambda name: self._fitted(name, source, known), self.generators))
        return Fitted(source, self, generators, popular, rhythm(source), item_states(source))

    def _fitted(self, name: str, source: Source, known: Fits) -> Generator:
        generator = GENERATORS[name](**self.parameters.get(name, {}))
        key = f"{name} {json.dumps(parameters_of(generator), sort_keys=True)}"
        if key not in known:
            generator.fit(source)
            known[key] = generator
        return known[key]


def _words(ranker: Ranker) -> str:
    return "a sum and trees" if ranker.trees else "a sum (too few lists for trees)"


def parameters_of(generator: Any) -> dict[str, Any]:
    """A generator's constructor arguments."""
    return {f.name: getattr(generator, f.name) for f in fields(generator) if f.init}


@dataclass(frozen=True)
class Fitted:
    """A model that knows an as-of."""

    source: Source
    model: RecommenderModel
    generators: Sequence[Generator]
    popularity: Popularity
    rhythm: Rhythm
    states: ItemStates

    def case(self, block: Block) -> Case:
        """The block before its rules."""
        return Case(self.source.catalogue, self.rhythm, block, self.model.mode, self.source.has_rules)

    @property
    def context(self) -> Context:
        """What is known of items beside the proposals."""
        return Context(self.source.catalogue, self.popularity, self.states)

    def propose(self, case: Case) -> list[Csr]:
        """What each generator gives to each customer among what the rules allow: rows that sum to one, or are empty."""
        return [_allowed(generator.score(case.block, case.barred), case) for generator in self.generators]

    def candidates(self, case: Case, proposals: Sequence[Csr]) -> Candidates:
        """The best of the blend with their features."""
        best = self.model.blend.best(proposals, case.block.purchases, self.model.most_candidates)
        return candidates(case.block, self.context, proposals, best)

    def scores(self, case: Case, proposals: Sequence[Csr]) -> Csr:
        """Customers by items: the estimated share of each item in the customer's next purchases.

        Of strangers the blend speaks. Trees learn an order from what is known of somebody, and where nothing is they
        put what is popular into a worse one: recall@10 of 210 newcomers to Online Retail II was .0230, of the blend
        .0365, and of trees that were taught by newcomers as well .0314.
        """
        purchases = case.block.purchases
        if self.model.ranker is None:
            return self.model.blend.scores(proposals, purchases)
        shape = len(case.block), case.block.width
        ranked = self.model.ranker.scores(self.candidates(case, proposals), shape)
        if self.model.new_items:
            ranked = self.model.new_items.shared_out(ranked, case.block, self.context, proposals)
        who = np.flatnonzero(case.block.is_stranger)
        if not len(who):
            return ranked
        of_strangers = [proposal[who] for proposal in proposals]
        blended = self.model.blend.best(of_strangers, purchases[who], self.model.most_candidates)
        rows, items, worth = cells(ranked)
        kept, (strangers, own, shares) = ~case.block.is_stranger[rows], cells(blended)
        return matrix(
            np.append(worth[kept], shares), np.append(rows[kept], who[strangers]), np.append(items[kept], own), shape
        )


def _allowed(proposal: Csr, case: Case) -> Csr:
    rows, items, _ = cells(proposal)
    return normalised(proposal, allowed_of_proposed(case, rows, items))
