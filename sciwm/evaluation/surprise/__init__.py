"""Whether a model notices what cannot happen, and stays calm at what can."""
