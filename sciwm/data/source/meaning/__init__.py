"""What somebody's data mean: time, runs, space and labels, and the role that each variable may have."""
