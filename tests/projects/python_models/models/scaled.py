def model(dbt, session):
    factor = int(dbt.config.get("factor"))
    year = int(dbt.config.get("simulation_year"))
    return dbt.ref("numbers").project(f"n, n * {factor} as scaled, y, {year} as simulation_year")
