"""The world model: encoder, predictor, readouts, and the checkpoint that keeps them."""
