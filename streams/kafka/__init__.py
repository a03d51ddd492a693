"""The Faust shell around the stages: reads whole batches, calls the core, writes in one order, commits in Kafka transactions."""
