"""The log on Apache Kafka, and the only importer of aiokafka.

The client's own promises are not relied on: it retries for ever, so deadlines are ours; a failed batch leaves a gap in
its sequence numbers that the broker never forgives, so the client is made anew after any failure; its group membership
hands out partitions and nothing more. What is written here about the client was read in its source, version 0.14, and
seen on a real broker by the contract suite.
"""
