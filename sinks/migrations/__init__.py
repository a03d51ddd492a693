"""SQL files, one a migration; see ``sinks.migrate``."""
