"""What was measured, for people: tables, curves, image rows, one HTML page, the model card."""
