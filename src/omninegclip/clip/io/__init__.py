"""Models in and out: every public layout, without running anything that is in a file."""
