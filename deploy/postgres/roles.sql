-- What an administrator does once per cluster of databases, before the first `tragt migrate`: the login of the services
-- and the roles it may take on (docs/decisions/0010, 0031). Run by psql with TRAGT_PASSWORD in its environment, connected
-- to the database of tragt.

\set ON_ERROR_STOP on
\getenv password TRAGT_PASSWORD

BEGIN;
CREATE ROLE tragt LOGIN PASSWORD :'password';
CREATE ROLE tragt_owner NOLOGIN;
CREATE ROLE ingest_reader NOLOGIN;
CREATE ROLE ingest_worker NOLOGIN;
CREATE ROLE scoring_reader NOLOGIN;
CREATE ROLE scoring_worker NOLOGIN;
CREATE ROLE metrics_reader NOLOGIN;
CREATE ROLE metrics_worker NOLOGIN;
GRANT tragt_owner, ingest_reader, ingest_worker, scoring_reader, scoring_worker, metrics_reader, metrics_worker
    TO tragt;
SELECT format('GRANT CREATE ON DATABASE %I TO tragt_owner', current_database()) \gexec
COMMIT;
