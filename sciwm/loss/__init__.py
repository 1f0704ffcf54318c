"""The objective: prediction, anti-collapse, physics, and how they are weighed."""
