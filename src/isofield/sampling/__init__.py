"""Supervision made from a shape: where a field is asked, and what is known there."""
