"""Comparisons on the picture world: the same data, features and budget for everything that is compared."""
