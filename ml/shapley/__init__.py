"""Exact Shapley values of LightGBM's trees at about the cost of the score.

Belongs here: how a tree decides (``paths``), tables of values by what a customer answers (``groups``, ``tables``), two
ways to add them up that give the same bits (``interpreted``, ``compiled``), and a rough method to compare with
(``saabas``). Does not belong here: training, blending, words.

What is computed is the path-dependent value of Lundberg et al., "From local explanations to global understanding with
explainable AI for trees", 2020, the same as LightGBM's ``pred_contrib``: on 80 features, 150 trees of 31 leaves and one
busy core 270 rows a second by LightGBM, 170,000 compiled; they differ by 1e-15.
"""
