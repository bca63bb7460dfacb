from __future__ import annotations

from datetime import date

import pytest

from ml.simulator import WorldConfig, WorldError


def test_an_unknown_setting_is_refused_with_the_likely_one() -> None:
    with pytest.raises(WorldError, match=r"simulator\.custommers, did you mean customers"):
        WorldConfig.from_settings({"custommers": 10})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"customers": 0}, "customers is 0"),
        ({"late_share": 0.9}, "late_share is 0.9"),
        ({"customers": "many"}, "'many' is no int"),
        ({"customers": True}, "True is no int"),
        ({"start": "soon"}, "write it as 2025-07-01"),
        ({"start": "2025-09-20"}, "at least 30 days"),
        ({"time_zone": "Europe/Atlantis"}, "no such time zone"),
    ],
)
def test_a_setting_out_of_bounds_is_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(WorldError, match=words):
        WorldConfig.from_settings(settings)


def test_settings_survive_the_way_through_json() -> None:
    config = WorldConfig(seed=3, start=date(2024, 1, 1), late_share=0.1)
    assert WorldConfig.from_settings(config.as_settings()) == config


def test_whole_numbers_are_taken_for_rates() -> None:
    assert WorldConfig.from_settings({"season_strength": 2}).season_strength == 2.0
