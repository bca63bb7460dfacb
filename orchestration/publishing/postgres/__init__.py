"""The Postgres sink: schema ``crm`` for readers over partitions in ``crm_data``.

Belongs here: everything that speaks to Postgres. Does not belong here: files (``orchestration.publishing.files``)
and starting a server (``orchestration.publishing.server``).

    crm_data.<table>      list-partitioned by generation_id; a generation is loaded into tables of its own, attached,
                          and only then pointed to
    crm_data.marks        one row and partition per generation, attached after all its tables
    crm_data.pointer      a log of moves; readers see the newest generation whose mark their query plan knows
    crm.<table>           the view that readers see, with suppression and withdrawals inside

Why the marks: a transaction that stays open may go on using a cached query plan that does not know a partition
attached since (measured on Postgres 18: a prepared statement then found no rows at all under the new generation). Such
a plan does not know the mark either, and so stays at the generation before, whole.
"""
