"""Publishing: tables become generations that a reader sees whole or not at all.

Belongs here: write, audit, publish, rollback, for files and for Postgres; suppression that acts at once. Does not
belong here: how the tables come about (dbt), Dagster (``orchestration.defs.activation``).

``Publisher`` (module ``publisher``) is the way in:

    written = publisher.write(tables, meta)          # a folder that no reader sees
    findings = publisher.audit(written, grants)      # one per rule; a failed critical one keeps it unpublished
    publisher.publish_files(written.generation_id)   # one rename
    publisher.publish_postgres()                     # what the files show and Postgres does not
"""
