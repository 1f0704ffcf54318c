"""The physics benchmark: an ablation of the terms of the objective on four flows, beside baselines.

``scenario``: what all variants of one system and seed share. ``variants``, ``ablation_claims``: what is trained, and
what was claimed of it. ``baselines``, ``calibration``: what it is compared with, in the same CPU time. ``trained``,
``measure``: cells. ``symmetry_rows``, ``surprise_rows``, ``resolution_rows``: parts that measure more of some variants.
``claims``, ``factorial``: verdicts and effects. ``ablation``: the whole. ``views``, ``figure``: tables and pictures.
"""
