"""Meshes as solids: closed parts, their union, inside and outside, distances to triangles."""
