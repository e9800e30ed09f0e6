"""`python -m party`."""

from party.commands import main

main()
