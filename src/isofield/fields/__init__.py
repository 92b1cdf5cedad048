"""Fields f(x): networks and grids, their gradients, and how they become data."""
