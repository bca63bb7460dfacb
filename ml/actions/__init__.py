"""What to do next for whom: of the plays a person is eligible for the one worth most, or nothing.

Belongs here: the decision as a pure function of candidates, contact history and policy. Does not belong here:
plays.yml (``orchestration.plays``), where files lie (``orchestration.actions``), what a margin is worth (the plays).
"""
