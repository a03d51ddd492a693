"""Where it lands: ClickHouse, chDB and memory behind one contract."""
