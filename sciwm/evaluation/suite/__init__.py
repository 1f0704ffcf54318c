"""Everything that is measured of a trained model: the parts, and the evaluation that goes through them.

``context``: what parts are given. ``measures``: numbers with intervals. ``imagination``, ``answers``,
``grids``, ``latents``: the parts. ``table``: the parts by name. ``kept``: results that need not be made again.
"""
