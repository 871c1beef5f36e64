"""Captions as the text tower takes them: tokens, packed or padded."""
