"""What would become of a shop's files, and whether its shop.yml fits them; nothing is landed and nothing changes.

Belongs here: looking at a rehearsed landing (``orchestration.landing.rehearsal``) and putting it into words. Does not
belong here: judging rows, which the landing does in the rehearsal as in earnest.
"""
