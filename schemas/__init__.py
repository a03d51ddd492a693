"""What flows: events, topics, tables and the catalog. Data only; imports nothing else of Candor."""
