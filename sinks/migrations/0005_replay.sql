-- Where replays without Kafka keep what a worker keeps in the checkpoint topic.

CREATE TABLE IF NOT EXISTS replay_checkpoint${on_cluster}
(
    `key` String COMMENT 'Table and segment of the state, or a file that was replayed; bytes.',
    `value` String COMMENT 'Content of the segment; bytes.',
    `deleted` Bool COMMENT 'True: the segment is gone, as a null value of the checkpoint topic says it.',
    `position` UInt32 COMMENT 'Place of the record among those written together.',
    `writer` UUID COMMENT 'The process that wrote the row; only one may write at a time.',
    `version` UInt64 COMMENT 'Number of the write; of one key the highest counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC).'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY key
COMMENT 'State of candor replay, so that it can go on where it stopped; of no use in BI.';
