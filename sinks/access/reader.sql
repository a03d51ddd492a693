-- A role for BI: it reads everything but refused records, which hold raw data of customers, and changes nothing.
-- To be run by an administrator, with ${database} and ${on_cluster} filled in; then, for each person or tool:
--   CREATE USER bi IDENTIFIED WITH sha256_password BY '...' DEFAULT ROLE candor_reader;
CREATE ROLE IF NOT EXISTS candor_reader${on_cluster};
GRANT${on_cluster} SELECT, SHOW ON ${database}.* TO candor_reader;
REVOKE${on_cluster} SELECT ON ${database}.fact_dead_letters FROM candor_reader;
REVOKE${on_cluster} SELECT ON ${database}.dead_letters FROM candor_reader;
CREATE SETTINGS PROFILE IF NOT EXISTS candor_reader${on_cluster}
    SETTINGS readonly = 2, max_execution_time = 60, max_memory_usage = 4000000000
    TO candor_reader;
