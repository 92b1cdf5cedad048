"""Objectives: pure functions of tensors, one published idea a file."""
