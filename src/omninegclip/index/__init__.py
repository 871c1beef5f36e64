"""Images on this machine in an index that is kept up to date, and searched with what must not be seen."""
