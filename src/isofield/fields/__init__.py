"""Fields f(x) and f(x; z): networks and grids, their gradients, level sets, and serialization."""
