"""What was found about a model, as tables for a terminal."""

from collections.abc import Iterator

from rich.table import Table

from omninegclip.clip.verify import Verification


def verification_tables(found: Verification) -> Iterator[Table]:
    """Yield the table of the checks and that of the changes, each only when it has rows."""
    if found.checks:
        table = Table("check", "", "seen")
        for check in found.checks:
            table.add_row(check.name, "ok" if check.passed else "WRONG", check.seen)
        yield table
    if found.changes:
        table = Table("part", "parameters", "relative change", "largest change")
        for part in found.changes:
            table.add_row(part.part, f"{part.parameters:,}", f"{part.relative:.2e}", f"{part.largest:.2e}")
        yield table
