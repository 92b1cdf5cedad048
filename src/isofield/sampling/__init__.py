"""Training samples of a shape: query points, and the supervision there."""
