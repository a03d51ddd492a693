"""ClickHouse's HTTP interface over chDB: the engine of ClickHouse for machines that have no ClickHouse server."""
