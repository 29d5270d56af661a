"""A dbt project: parsing, its graph, and execution by dbt in this process."""
