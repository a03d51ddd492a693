"""``python -m streams.commands``: the same as ``candor``."""

from streams.commands import main

main()
