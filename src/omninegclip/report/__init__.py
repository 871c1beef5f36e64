"""What was measured, for people: tables, curves, picture rows, one HTML page, the model card."""
