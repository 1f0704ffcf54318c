"""What a trained model is worth: rollouts, budgets, closed-loop control, with intervals."""
