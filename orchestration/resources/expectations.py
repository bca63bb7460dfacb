"""Great Expectations as the judge of published tables: rules in, verdicts out.

Belongs here: turning rules into expectation suites and running them on frames. Does not belong here: which rules
(``ml.quality``), the frames (``orchestration.publishing.audit``).

The library costs seconds to import, so that happens when the first frame is judged. Its results are asked for as
booleans only: nothing of the data gets into them. An exception inside it is a failed check, never a passed one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from ml.quality.rules import Kind, Measure, Rule

RESULT_FORMAT = "BOOLEAN_ONLY"
logger = logging.getLogger(__name__)


class Judge:
    """An ephemeral great-expectations context; make one and use it for every frame."""

    def rows(self, frame: pd.DataFrame, rules: Sequence[Rule]) -> dict[str, bool]:
        """Verdict of each row rule by its name, on one batch of one table's rows."""
        expectations = {rule.name: self._row_expectation(rule) for rule in rules}
        return self._validate(frame, expectations)

    def measures(self, measures: Sequence[Measure]) -> dict[tuple[str, str], bool]:
        """Verdict of each measured rule by its table and name, on a frame of one row and a column per measure."""
        names = {f"{one.rule.table}.{one.rule.name}": one for one in measures}
        frame = pd.DataFrame({name: [float(one.value)] for name, one in names.items()})
        between = self._expectations.ExpectColumnValuesToBeBetween
        expectations = {
            name: [
                # A measure that could not be taken is NaN, which a range alone would let pass.
                self._expectations.ExpectColumnValuesToNotBeNull(column=name),
                between(column=name, min_value=one.min, max_value=one.max, severity=one.rule.severity.value),
            ]
            for name, one in names.items()
        }
        verdicts = self._validate(frame, expectations)
        return {(one.rule.table, one.rule.name): verdicts[name] for name, one in names.items()}

    def _row_expectation(self, rule: Rule) -> list[Any]:
        common = {"column": rule.column, "severity": rule.severity.value}
        if rule.kind is Kind.REQUIRED:
            return [self._expectations.ExpectColumnValuesToNotBeNull(**common)]
        if rule.kind is Kind.ALLOWED:
            return [self._expectations.ExpectColumnValuesToBeInSet(value_set=list(rule.allowed), **common)]
        if rule.kind is Kind.BETWEEN:
            return [self._expectations.ExpectColumnValuesToBeBetween(min_value=rule.min, max_value=rule.max, **common)]
        raise ValueError(f"{rule.kind} is not a rule about single rows")

    def _validate(self, frame: pd.DataFrame, expectations: dict[str, list[Any]]) -> dict[str, bool]:
        if not expectations:
            return {}
        for name, group in expectations.items():
            for expectation in group:
                expectation.meta = {"rule": name}
        everything = [expectation for group in expectations.values() for expectation in group]
        suite = self._gx.ExpectationSuite(name="rules", expectations=everything)
        outcomes: dict[str, list[bool]] = {}
        try:
            batch = self._batch_definition.get_batch({"dataframe": frame})
            for result in batch.validate(suite, result_format=RESULT_FORMAT).results:
                outcomes.setdefault(result.expectation_config.meta["rule"], []).append(bool(result.success))
        except Exception:  # whatever the library raises is a failed check
            logger.exception("great-expectations could not judge %s", ", ".join(expectations))
        # All of a rule's expectations must have been heard, and must all hold.
        return {
            name: len(outcomes.get(name, [])) == len(group) and all(outcomes[name])
            for name, group in expectations.items()
        }

    @cached_property
    def _gx(self) -> Any:
        import great_expectations

        return great_expectations

    @cached_property
    def _expectations(self) -> Any:
        from great_expectations import expectations

        return expectations

    @cached_property
    def _batch_definition(self) -> Any:
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        quiet = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(), analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        )  # fmt: skip
        context = self._gx.get_context(mode="ephemeral", project_config=quiet)
        asset = context.data_sources.add_pandas("published").add_dataframe_asset("table")
        return asset.add_batch_definition_whole_dataframe("whole")
