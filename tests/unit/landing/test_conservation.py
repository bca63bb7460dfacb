"""No row is lost: what came in is accepted, quarantined, a duplicate or refused, for any dirt."""

from __future__ import annotations

import tempfile
from pathlib import Path

from conftest import Door
from hypothesis import given, settings
from hypothesis import strategies as st

HEADER = "order_id,line_number,ordered_at,quantity,unit_price,channel"
CELLS = (
    st.sampled_from(["o1", "o2", "", " ", '"o\n3"', '"o,4"']),
    st.sampled_from(["1", "2", "2", "x", ""]),
    st.sampled_from(["2025-06-01", "2025-06-01T10:00:00Z", "1999-99-99", "2031-01-01"]),
    st.sampled_from(["1", "0", "-1", "1,5"]),
    st.sampled_from(["9.90", "9.9", "-3", '"""1"""']),
    st.text(st.characters(codec="utf-8", exclude_characters='",\r\n\0'), max_size=5),
)
ROWS = st.lists(
    st.tuples(*CELLS).map(",".join) | st.sampled_from(["few,fields", "1,2,3,4,5,6,7,8"]), min_size=1, max_size=25
)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(ROWS)
def test_rows_in_equal_rows_out_for_random_dirt(rows: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        door = Door(Path(folder), {"orders": {"files": "*"}})
        door.put("orders.csv", "\n".join([HEADER, *rows]) + "\n")
        report = door.land()
        quarantined = len(door.quarantine())
        if report.errors:
            assert f"all {len(rows)} rows are bad" in report.errors[0].message
            assert quarantined == len(rows)
            return
        (batch,) = report.landed
        assert batch.rows_in == len(rows)
        assert batch.rows_in == batch.accepted + batch.quarantined + batch.duplicates + batch.refused + batch.erased
        assert (len(door.rows("orders")), quarantined) == (batch.accepted, batch.quarantined)
        _lines_are_the_files_own(door, [HEADER, *rows])


def _lines_are_the_files_own(door: Door, records: list[str]) -> None:
    starts, line = set(), 1
    for record in records:
        starts.add(line)
        line += record.count("\n") + 1
    found = [line for (line,) in door.quarantine("line")]
    assert set(found) <= starts - {1}
    assert len(found) == len(set(found))
