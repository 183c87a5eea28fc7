"""The deployment files, held against the settings and against what `make up` does."""

import inspect
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from cdp.stack.embedded import ROLES_SQL, Postgres
from tests.servers import ask, new_home, throw_away

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
PROGRAMS = ("web", "worker", "beat", "drain", "files")
FILE_PORTS = [
    *(f"${{{port}}}:${{{port}}}" for port in ("SFTP_PORT:-2222", "FTPS_PORT:-2121")),
    "30000-30049:30000-30049",
]
PORTS = {"web": ["127.0.0.1:${WEB_PORT:-8000}:8000"], "files": FILE_PORTS}
SETTINGS = (ROOT / "cdp" / "settings.py").read_text()
REQUIRED = set(re.findall(r'env(?:\.\w+)?\(\s*"(\w+)"\s*\)', SETTINGS)) - {"EMAIL_URL"}
KNOWN = set(re.findall(r'env(?:\.\w+)?\(\s*"(\w+)"', SETTINGS))


def variables(text: str) -> dict[str, str]:
    """The variables of a compose text: name and what follows it, `:?` or a default."""
    return dict(re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text))


def role(service: str) -> str:
    """The database role a service logs in as."""
    address: str = SERVICES[service]["environment"]["DATABASE_URL"]
    return address.removeprefix("postgresql://").partition(":")[0]


def test_the_settings_name_what_they_need() -> None:
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= REQUIRED


@pytest.mark.parametrize("name", [*PROGRAMS, "migrate", "partitions"])
def test_every_program_gets_what_the_settings_require_and_nothing_unknown(name: str) -> None:
    given = set(SERVICES[name]["environment"])
    assert given >= REQUIRED
    assert given - KNOWN == {"TMPDIR"}


def test_only_what_serves_nobody_is_the_owner() -> None:
    assert {name: role(name) for name in PROGRAMS} == dict.fromkeys(PROGRAMS, "cdp_app")
    assert role("migrate") == role("partitions") == "cdp_owner"
    assert SERVICES["partitions"]["networks"] == ["inside"]
    knows = [name for name, service in SERVICES.items() if "OWNER_PASSWORD" in str(service)]
    assert sorted(knows) == ["migrate", "partitions", "postgres"]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", list(SERVICES))
def test_containers_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    if name != "postgres":  # its entry point hands the data folder over before it leaves root
        assert service["cap_drop"] == ["ALL"]
    assert service.get("ports", []) == PORTS.get(name, [])


def test_no_password_has_a_default_and_the_example_names_every_variable() -> None:
    used = variables((ROOT / "docker-compose.yml").read_text())
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert set(example) == set(used)
    for name, rest in used.items():
        secret = "PASSWORD" in name or "KEY" in name
        assert rest == ":?" or not secret, f"{name} must be given"
        assert example[name] == rest.removeprefix(":?").removeprefix(":-"), f"{name}: the example shows the default"


def test_the_programs_wait_for_the_tables() -> None:
    for name in PROGRAMS:
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_the_database_is_made_like_the_private_one() -> None:
    given = SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    private = inspect.getsource(Postgres.make_cluster)
    assert all(option in private for option in given if option != "--encoding=UTF8")
    assert '"-E", "UTF8"' in private
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["postgres"]["volumes"])
    assert (ROOT / "cdp" / "stack" / "roles.sql").samefile(ROLES_SQL)
    assert mounts["./cdp/stack/roles.sql"] == "/roles.sql"
    assert mounts["./docker/postgres-init.sh"].startswith("/docker-entrypoint-initdb.d/")
    assert os.access(ROOT / "docker" / "postgres-init.sh", os.X_OK)


def test_valkey_keeps_everything() -> None:
    command = SERVICES["valkey"]["command"][-1]
    for line in ("appendonly yes", "maxmemory-policy noeviction", "requirepass $$VALKEY_PASSWORD"):
        assert line in command


def test_the_image_does_not_run_as_root_and_checks_hashes() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER cdp"]
    assert lines.index("USER cdp") > max(i for i, line in enumerate(lines) if line.startswith(("RUN", "COPY")))
    assert sum("--require-hashes" in line for line in lines) == 3
    assert all(SERVICES[name]["build"] == "." for name in PROGRAMS)


def test_the_image_holds_the_code_and_no_secrets() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    code = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert "*" in rules
    assert kept >= code | {"manage.py", "static", "templates", "requirements"}
    assert not kept & {".env", ".home", ".git", "tests"}


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A cluster of its own: the passwords of the others must stay as they are."""
    server = Postgres(new_home(), throwaway=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        throw_away(server.folder.parent)


def test_the_init_script_makes_the_same_roles(postgres: Postgres) -> None:
    passwords = {"OWNER_PASSWORD": "own'er \\ $x", "APP_PASSWORD": 'app"%'}
    superuser = (postgres.folder / "superuser").read_text()
    address = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGPASSWORD": superuser, "POSTGRES_DB": "cdp"}
    path = {"PATH": f"{postgres.bin}:{os.environ['PATH']}", "ROLES_SQL": str(ROLES_SQL)}
    facts = "select rolname, rolsuper, rolbypassrls, rolconfig from pg_roles where rolname like 'cdp%' order by 1"
    url = f"postgresql://postgres:{superuser}@127.0.0.1:{postgres.port}/cdp"
    before = ask(url, facts)
    done = subprocess.run(
        [ROOT / "docker" / "postgres-init.sh"], env=path | address | passwords, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ask(url, facts) == before
    for name, variable in (("cdp_owner", "OWNER_PASSWORD"), ("cdp_app", "APP_PASSWORD")):
        with psycopg.connect(
            host="127.0.0.1", port=postgres.port, user=name, password=passwords[variable], dbname="cdp"
        ) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_all_nodes_of_the_cluster_are_set_up_alike() -> None:
    cluster = yaml.safe_load((ROOT / "docker-compose.citus.yml").read_text())["services"]
    nodes = [cluster[name] for name in ("postgres", "node1", "node2")]
    for node in nodes:
        assert node["command"] == nodes[0]["command"]
        assert "shared_preload_libraries=citus" in node["command"]
        assert node["image"] == "${CITUS_IMAGE:?}"
        assert any("citus-node.sh" in volume for volume in node["volumes"])
    assert "alter role cdp_app set citus.propagate_set_commands = 'local'" in str(cluster["cluster"]["entrypoint"])
    assert cluster["migrate"]["depends_on"]["cluster"] == {"condition": "service_completed_successfully"}
    used = variables((ROOT / "docker-compose.citus.yml").read_text())
    assert {rest for name, rest in used.items() if "PASSWORD" in name} == {":?"}
