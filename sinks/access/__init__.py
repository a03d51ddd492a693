"""Rights for users of ClickHouse other than Candor itself; see ``reader.sql``."""
