"""What comments give away: that they were copied from each other, and that a score was begged for. Nothing here keeps a comment."""
