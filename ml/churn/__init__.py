"""Who is about to leave: training on time-ordered snapshots, calibrated scores, reasons in words.

Belongs here: everything that turns features and labels of customers into churn scores. Does not belong here:
computing the features (dbt, ``dbt_project/models/features``), choosing which model serves (``ml.promotion``) and
keeping it (``ml.registry``).
"""
