"""Captions to negated captions: presence-based and absence-based, each one checked."""
