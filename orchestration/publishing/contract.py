"""The crm contract: which tables a reader finds, with which columns, types, roles and rules.

Belongs here: dataclasses, and the rule that the contract only grows. Does not belong here: reading it from
``activation.yml`` (``contract_file``), what its rules mean in SQL (``permissions``) or as expectations
(``ml.quality``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestration.publishing.errors import ContractError


@dataclass(frozen=True)
class Need:
    """A purpose, by channel where one applies: ``profiling``, ``marketing/email``."""

    purpose: str
    channel: str | None = None

    @classmethod
    def parse(cls, text: str) -> Need:
        purpose, _, channel = text.partition("/")
        return cls(purpose, channel or None)

    @property
    def text(self) -> str:
        """As it is written down: ``marketing/email``."""
        return self.purpose if self.channel is None else f"{self.purpose}/{self.channel}"

    @property
    def name(self) -> str:
        """As part of a column name: ``marketing_email``."""
        return self.purpose if self.channel is None else f"{self.purpose}_{self.channel}"


@dataclass(frozen=True)
class Grain:
    """How much a value must change for its row to have changed, so that readers do not sync noise every day."""

    kind: str
    """``step``: to another multiple of ``size`` (of days, for a date); ``ratio``: to about ``size`` times as much;
    ``words``: to other words, whatever numbers stand among them; ``none``: it never counts by itself."""
    size: float = 0.0

    @property
    def text(self) -> str:
        """For the dictionary."""
        return {
            "step": f"Counts as changed with every {self.size:g}.",
            "ratio": f"Counts as changed with every factor of about {self.size:g}.",
            "words": "Counts as changed with its words, not with the numbers among them.",
            "none": "Never counts as changed by itself.",
        }[self.kind]


@dataclass(frozen=True)
class Column:
    """One published column."""

    name: str
    data_type: str
    description: str = ""
    not_content: bool = False
    """Changes of it change neither ``row_hash`` nor ``updated_at``."""
    grain: Grain | None = None
    """Of content: how much it must change for ``row_hash`` and ``updated_at`` to change; None: at all."""
    needs: Need | None = None
    """Purpose without which the value is withheld."""
    otherwise: str | None = None
    """What stands in place of a withheld value; null, and false for a boolean, if not given."""
    roles: tuple[str, ...] | None = None
    required: bool = False
    allowed: tuple[str, ...] | None = None
    min: float | None = None
    max: float | None = None
    lookup: bool = False
    """Readers search by it: it gets an index in Postgres."""

    @property
    def is_boolean(self) -> bool:
        return self.data_type == "boolean"


@dataclass(frozen=True)
class Table:
    """One published table."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    roles: tuple[str, ...] = ()
    needs: Need | None = None
    """Purpose without which the row is not published at all."""
    row_needs: tuple[str, ...] = ()
    """Columns whose value names a purpose without which that row is not published; null asks for none."""
    varies: bool = False
    """Whether its size may well fall by half from one day to the next."""
    change_feed: bool = False
    contract_version: int = 1
    is_feed: bool = False
    """Made by the publisher from another table: what changed against the previous published generation."""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def content(self) -> tuple[Column, ...]:
        """The columns whose change is a change to the reader."""
        return tuple(column for column in self.columns if not column.not_content)

    @property
    def person_columns(self) -> tuple[str, ...]:
        """Columns that hold a customer id; a row with a suppressed one is not shown."""
        names = (column.name for column in self.columns)
        return tuple(name for name in names if name == "customer_id" or name.endswith("_customer_id"))

    @property
    def needed(self) -> tuple[Need, ...]:
        """Every purpose that the table, a column or some row of it needs, in the order of the contract."""
        own = [self.needs] if self.needs else []
        of_rows = [need for _, need in self.needed_by_rows]
        return tuple(dict.fromkeys([*own, *(column.needs for column in self.columns if column.needs), *of_rows]))

    @property
    def needed_by_rows(self) -> tuple[tuple[str, Need], ...]:
        """Each column of ``row_needs`` with each purpose that its values may name."""
        return tuple((name, Need.parse(value)) for name in self.row_needs for value in self.column(name).allowed or ())

    @property
    def published_columns(self) -> tuple[Column, ...]:
        """The contract's columns and the two that the publisher adds."""
        # A tombstone has no content left to hash.
        return (*self.columns, replace(ROW_HASH, required=not self.is_feed), UPDATED_AT)

    def feed(self) -> Table:
        """The table ``<name>_changes`` of this one."""
        columns = tuple(
            column if column.name in self.key else replace(column, required=False) for column in self.content
        )
        described = f"Changes of {self.name} against the previous published generation. A delete carries the key only."
        return replace(self, name=f"{self.name}_changes", description=described, columns=(OP, *columns),
                       change_feed=False, is_feed=True)  # fmt: skip

    def roles_of(self, column: Column) -> tuple[str, ...]:
        """Roles that see the column; the key is for all who see the table."""
        return self.roles if column.roles is None else tuple(role for role in self.roles if role in column.roles)


ROW_HASH = Column(
    "row_hash", "varchar", "Changes when, and only when, the content of the row does, as far as a reader cares.",
    required=True,
)  # fmt: skip
UPDATED_AT = Column("updated_at", "timestamp", "As-of at which the content last changed, UTC.", required=True)
OP = Column("op", "varchar", "upsert or delete.", required=True, allowed=("upsert", "delete"))


@dataclass(frozen=True)
class Contract:
    """Every table of schema ``crm`` that comes from a generation, feeds included."""

    tables: tuple[Table, ...]

    @property
    def given(self) -> tuple[Table, ...]:
        """The tables that are handed over; the publisher makes the others."""
        return tuple(table for table in self.tables if not table.is_feed)

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(sorted({role for table in self.tables for role in table.roles}))

    @property
    def version(self) -> int:
        return max(table.contract_version for table in self.tables)

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    @property
    def shape(self) -> dict[str, dict[str, str]]:
        """Type of each column by table, as kept in manifests."""
        return {
            table.name: {column.name: column.data_type for column in table.published_columns} for table in self.tables
        }

    def require_additive(self, before: Mapping[str, Mapping[str, str]]) -> None:
        """Refuse a contract that took something away.

        Raises
        ------
        ContractError
            A table or column of ``before`` is gone or has another type; the message names each.
        """
        now = self.shape
        lost = []
        for table, columns in before.items():
            if table not in now:
                lost.append(f"table {table} is gone")
                continue
            for name, data_type in columns.items():
                if name not in now[table]:
                    lost.append(f"column {table}.{name} is gone")
                elif now[table][name] != data_type:
                    lost.append(f"column {table}.{name} was {data_type} and is now {now[table][name]}")
        if lost:
            raise ContractError(
                f"the crm contract only grows, but {'; '.join(lost)}. Put it back in activation.yml, and give what "
                "is new a name of its own: readers depend on the old one"
            )
