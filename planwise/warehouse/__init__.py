"""DuckDB: the database of a run, its lock, its connection pool, digests."""
