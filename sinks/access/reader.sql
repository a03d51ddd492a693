-- A role for BI: it reads everything but refused records, which hold raw data of customers, and changes nothing.
-- `candor migrate --reader bi` runs this and makes the user; or an administrator does, with ${database} and ${on_cluster} filled in, and then:
--   CREATE USER bi IDENTIFIED WITH sha256_password BY '...' DEFAULT ROLE candor_reader;
CREATE ROLE IF NOT EXISTS candor_reader${on_cluster};
GRANT${on_cluster} SELECT, SHOW ON ${database}.* TO candor_reader;
-- What candor materialize makes; there are no refused records in it.
GRANT${on_cluster} SELECT, SHOW ON ${database}_copies.* TO candor_reader;
REVOKE${on_cluster} SELECT ON ${database}.fact_dead_letters FROM candor_reader;
REVOKE${on_cluster} SELECT ON ${database}.dead_letters FROM candor_reader;
-- when: sharded
REVOKE${on_cluster} SELECT ON ${database}.fact_dead_letters${local} FROM candor_reader;
-- readonly = 2: drivers of BI tools set formats and timeouts of their own, which 1 forbids. What would starve the workers' inserts has a ceiling.
CREATE SETTINGS PROFILE OR REPLACE candor_reader${on_cluster}
    SETTINGS readonly = 2,
        max_execution_time = 60 MIN 1 MAX 120,
        max_memory_usage = 2000000000 MIN 1 MAX 2000000000,
        max_memory_usage_for_user = 3000000000 MIN 1 MAX 3000000000,
        max_result_rows = 1000000 MIN 1 MAX 10000000,
        max_concurrent_queries_for_user = 20 MIN 1 MAX 20
    TO candor_reader;
