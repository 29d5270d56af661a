"""The contract with dbt-duckdb's private parts: what planwise puts in their place still fits.

A failure here means that another version of dbt-duckdb came in: ``project/dbt_connection.py`` has
to be looked through before anything else is believed.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import duckdb
import pytest
from transaction_project import FILES, write_shared

from planwise.errors import LeavesTransactionError
from planwise.project.dbt_connection import LentConnection, _Environment, _Handle, _Session
from planwise.project.dbt_project import DbtProject
from planwise.values import BatchRequest


class Spy:
    """A cursor that keeps what is executed."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.sent: list[str] = []

    def execute(self, sql: Any, *bindings: Any) -> Any:
        self.sent.append(str(sql))
        return self._cursor.execute(sql, *bindings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def test_the_environment_has_what_dbt_duckdb_asks_of_one() -> None:
    """What it lacks is what only dbt-duckdb's own environments call."""
    from dbt.adapters.duckdb.environments import Environment

    public = {name for name in vars(Environment) if not name.startswith("_")}
    own = {"initialize_db", "initialize_cursor", "initialize_plugins", "run_python_job"}
    assert public - own == {name for name in vars(_Environment) if not name.startswith("_")} | {
        "creds"
    }
    for name in public - own - {"creds"}:
        theirs = list(inspect.signature(getattr(Environment, name)).parameters)
        ours = list(inspect.signature(getattr(_Environment, name)).parameters)
        assert [each for each in ours if each != "self"] == [
            each for each in theirs if each not in ("self", "cls")
        ], name


def test_a_connection_is_opened_through_what_is_replaced(tmp_path: Path) -> None:
    from dbt.adapters.contracts.connection import Connection, ConnectionState
    from dbt.adapters.duckdb import environments
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager as Manager
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    credentials = DuckDBCredentials(database="a", schema="main", path=str(tmp_path / "a.duckdb"))
    with duckdb.connect(str(tmp_path / "a.duckdb")) as cursor:
        before = (environments.create, Manager._ENV)
        with LentConnection(cursor).installed():
            opened = Manager.open(
                Connection("duckdb", "name", credentials, state=ConnectionState.INIT)
            )
            again = Manager.open(
                Connection("duckdb", "other", credentials, state=ConnectionState.INIT)
            )
            assert isinstance(opened.handle, _Handle)
            assert isinstance(opened.handle.cursor(), _Session)
            assert again.handle is not opened.handle
            Manager.close(opened)
        assert (environments.create, Manager._ENV) == before
        assert cursor.execute("select 1").fetchall() == [(1,)]


def execute(tmp_path: Path, project: Path, spy: Spy) -> None:
    dbt = DbtProject(project, tmp_path / "work", tmp_path / "a.duckdb")
    with dbt.session():
        nodes = tuple(dbt.graph(2024).year.values())
        request = BatchRequest(
            nodes, "year", 2024, True, {"simulation_year": 2024}, 2, project, lambda: None  # type: ignore[arg-type,return-value]  # nobody asks
        )  # fmt: skip
        dbt.execute(request, spy)


def test_dbt_begins_and_commits_in_words_that_are_swallowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing but planwise ends the transaction."""
    asked: list[str] = []
    before = _Session.execute
    monkeypatch.setattr(
        _Session, "execute", lambda self, sql, *more: asked.append(sql) or before(self, sql, *more)
    )
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        spy = Spy(connection)
        spy.execute("begin")
        execute(tmp_path, write_shared(tmp_path / "project"), spy)
        assert {"BEGIN", "COMMIT"} <= set(asked)
        kinds = {
            statement.type
            for sql in spy.sent[1:]
            for statement in connection.extract_statements(sql)
        }
        assert duckdb.StatementType.TRANSACTION not in kinds
        assert connection.execute("select y from last").fetchall() == [(2024,)]
        temporary = "select count(*) from duckdb_tables() where temporary"
        assert connection.execute(temporary).fetchall() == [(0,)]
        connection.execute("rollback")
        assert connection.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]


PASSED_OVER = """{% materialization refilled, adapter='duckdb' %}
{%- set target_relation = this.incorporate(type='table') -%}
{% call statement('main') %}create table {{ target_relation }} as {{ compiled_code }}{% endcall %}
{{ adapter.commit() }}
{% if not adapter.location_exists('/nowhere/at/all.parquet') %}{{ log('none') }}{% endif %}
{{ return({'relations': [target_relation]}) }}{% endmaterialization %}
"""
NOT_COMMITTED = FILES["macros/refilled.sql"].replace("{{ adapter.commit() }}", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PASSED_OVER, "a statement failed, which dbt passed over"),
        (NOT_COMMITTED, "dbt rolls back what a node wrote"),
    ],
    ids=["passed_over", "not_committed"],
)
def test_what_dbt_undoes_by_itself_is_never_taken_for_done(
    tmp_path: Path, text: str, reason: str
) -> None:
    project = write_shared(tmp_path / "project", refilled=text)
    for node in ("middle", "scaled", "last"):
        for file in (project / "models").glob(f"{node}.*"):
            file.unlink()
    (project / "snapshots" / "kept.yml").unlink()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("begin")
        with pytest.raises(LeavesTransactionError, match=reason):
            execute(tmp_path, project, Spy(connection))
