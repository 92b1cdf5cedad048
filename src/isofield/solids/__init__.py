"""Meshes as solids: parts, their union, inside and outside, distances to triangles."""
