"""How somebody's data become the rows of the stores of a run: checked as a whole, cut, and written."""
