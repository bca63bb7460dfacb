"""From a folder of files that nobody has described to a shop folder that a person can finish.

Belongs here: looking at files, guessing what they are, writing the draft. Does not belong here: landing them, and
saying whether a finished shop.yml fits (``orchestration.checking``).
"""
