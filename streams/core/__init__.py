"""The pure core: no Kafka, no ClickHouse, no clock, no random numbers, no logging."""
