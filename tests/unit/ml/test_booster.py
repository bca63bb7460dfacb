"""A booster as a file: whole, or refused; LightGBM itself reads on in the memory behind a file that breaks off."""

from pathlib import Path

import numpy as np
import pytest

from ml.booster import Recipe, Trees, fit_trees
from ml.model import ModelFileError

RNG = np.random.default_rng(4)
X = RNG.random((400, 3), np.float32)
TREES = fit_trees(X, (X[:, 0] > 0.5).astype(float), ("a", "b", "c"), Recipe(rounds=5), seed=1, threads=1)


def test_a_booster_is_read_as_it_was_written(tmp_path: Path) -> None:
    (path := tmp_path / "trees.txt").write_text(TREES.text)
    assert (Trees.read(path).margin(X, 1) == TREES.margin(X, 1)).all()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_a_booster_that_breaks_off_is_refused_before_it_is_parsed(tmp_path: Path, share: float) -> None:
    (path := tmp_path / "trees.txt").write_text(TREES.text[: int(share * len(TREES.text))])
    with pytest.raises(ModelFileError, match=r"trees\.txt breaks off before its end; train again"):
        Trees.read(path)


def test_a_booster_that_lacks_its_head_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "trees.txt").write_text(TREES.text.replace("num_class=1", ""))
    with pytest.raises(ModelFileError, match=r"trees\.txt is damaged \(Model file doesn't specify"):
        Trees.read(path)
