def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="append")
    year = int(dbt.config.get("simulation_year"))
    before = 0
    if dbt.is_incremental:
        before = session.sql(f"select count(*) from {dbt.this}").fetchall()[0][0]
    return session.sql(f"select {year} as simulation_year, {before} as before")
