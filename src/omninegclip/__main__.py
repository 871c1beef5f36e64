"""`python -m omninegclip`, which `torchrun -m omninegclip` needs."""

from omninegclip.cli import main

main()
