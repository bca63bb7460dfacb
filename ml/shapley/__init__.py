"""Exact Shapley values of LightGBM's trees at about the cost of the score.

Belongs here: how a tree decides (``paths``), tables of values by what a customer answers (``tables``), and two ways
to add them up that give the same bits (``interpreted``, ``compiled``). Does not belong here: training, blending,
words. What is computed is the path-dependent value of Lundberg et al., "From local explanations to global
understanding with explainable AI for trees", 2020, the same as LightGBM's ``pred_contrib``.
"""
