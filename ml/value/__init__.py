"""What a customer will be worth: expected orders and net spend over the horizon, with an interval and a next date.

Belongs here: everything that turns features and labels of customers into value scores. Does not belong here:
computing the features (dbt, ``dbt_project/models/features``), choosing which model serves, beyond the gate's own
judgement (``gate``), and keeping it (``ml.registry``).
"""
