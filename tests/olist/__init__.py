"""The published Olist files, from CSV to the numbers in ClickHouse."""
