"""Evidence against units, held against published and exact numbers."""
