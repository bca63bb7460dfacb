"""What the ledgers say was done, as arrays."""

import numpy as np
import pyarrow as pa

from ml.treatments.record import COLUMNS, NONE, stacked


def test_who_got_a_play_that_is_nobodys_first_was_not_left_alone() -> None:
    told = {
        "first_play": ["win_back", "win_back", None],
        "treated_play": ["reminder", None, None],
        "untreated_propensity": [0.5, 0.5, 1.0],
        "is_held_out": [False, False, False],
    }
    found = stacked([pa.table({name: told[name] for name in COLUMNS})], np.zeros((3, 1)))
    assert found is not None
    assert found.plays == ("reminder", "win_back")
    assert found.first.tolist() == [1, 1, NONE]
    assert found.treated.tolist() == [0, NONE, NONE]
