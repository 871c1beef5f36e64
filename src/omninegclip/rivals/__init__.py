"""Scores of others that train a small network beside a frozen CLIP, to be compared under the same harness."""
