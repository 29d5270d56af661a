import pyarrow


def model(dbt, session):
    rows = dbt.ref("scaled").fetchall()
    return pyarrow.table({"n": [row[0] for row in rows], "word": [str(row[1]) for row in rows]})
