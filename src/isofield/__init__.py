"""Shapes out of messy 3D data: learned signed distance functions, watertight meshes."""
