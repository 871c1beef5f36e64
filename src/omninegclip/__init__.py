"""Teach CLIP models what "no" means, prove that they learned it, and search images with it."""

__version__ = "0.1.0"
