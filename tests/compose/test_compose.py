"""There is no Docker engine in the tests: every word of the compose file is held against the repository."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from ruamel.yaml import YAML

from cityhub.settings import REPOSITORY
from tests.compose.conftest import VARIABLE

Services = dict[str, dict[str, Any]]
HUB_IMAGE = "cityhub:0.1.0"
IN_IMAGE = "/opt/cityhub/"
PINNED = re.compile(r"^[a-z0-9][a-z0-9./_-]*:(?P<tag>\d+\.\d+[\w.-]*)$")
TCP_SERVICES = ("gateway-hj212", "gateway-jt808", "gateway-jt809")
CLI_SERVICES = ("gateway", "gateway-demo", *TCP_SERVICES, "sandbox", "serve")


def words(command: str | list[str]) -> list[list[str]]:
    """The programs that a command runs, each as its words; `sh -c "a && b"` runs several."""
    listed = shlex.split(command) if isinstance(command, str) else command
    if listed[:2] != ["sh", "-c"]:
        return [listed]
    return [shlex.split(part) for part in listed[2].split("&&")]


def everything(services: Services) -> list[tuple[str, list[str]]]:
    """All programs by service: commands and health checks."""
    found = []
    for name, service in services.items():
        for command in words(service["command"]) if "command" in service else []:
            found.append((name, command))
        test = service.get("healthcheck", {}).get("test", ["NONE"])
        assert test[0] in {"NONE", "CMD"}, name
        found += [(name, test[1:])] if test[0] == "CMD" else []
    return found


def test_the_services_of_the_house_are_there(services: Services) -> None:
    airflow = {"init", "api-server", "scheduler", "dag-processor", "triggerer"}
    assert airflow | {"postgres", "mosquitto", "gateway", "serve", "sandbox"} <= services.keys()
    assert services["sandbox"]["profiles"] == ["demo"]
    assert services["gateway"]["profiles"] == ["production"]
    always = {name for name, service in services.items() if "profiles" not in service}
    assert {"scheduler", "postgres", "serve"} <= always


def test_every_image_is_pinned_and_ours_is_built_by_one_service(services: Services) -> None:
    for name, service in services.items():
        assert PINNED.match(service["image"]), name
    builders = [service for service in services.values() if "build" in service]
    (builder,) = builders
    assert builder["image"] == HUB_IMAGE
    assert (REPOSITORY / builder["build"]["context"] / builder["build"]["dockerfile"]).is_file()
    ours = [service for service in services.values() if service["image"] == HUB_IMAGE]
    assert len(ours) >= 8


def test_our_image_carries_the_version_of_the_package(raw: str) -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"$', project, re.MULTILINE)
    assert version
    assert f"cityhub:{version[1]}" in raw


def test_the_dockerfile_copies_what_exists_and_installs_as_locked() -> None:
    text = (REPOSITORY / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^FROM python:3\.11-slim-bookworm$", text, re.MULTILINE)
    assert "uv sync --frozen" in text
    for line in re.findall(r"^COPY (?:--\S+ )*(.+)$", text, re.MULTILINE):
        *sources, _target = line.split()
        for source in sources:
            assert (REPOSITORY / source).exists(), source
    user = text.rindex("USER ")
    assert not text[user:].startswith("USER root")
    entry = re.search(r'^ENTRYPOINT \["(.+)"\]$', text, re.MULTILINE)
    assert entry
    assert os.access(REPOSITORY / entry[1].removeprefix(IN_IMAGE), os.X_OK)


def test_every_command_of_the_hub_is_registered_with_its_options(services: Services) -> None:
    from cli.main import app

    root = typer.main.get_command(app)
    checked = set()
    for name, command in everything(services):
        if command[0] != "cityhub":
            continue
        checked.add(name)
        found: click.Command = root
        rest = command[1:]
        while isinstance(found, click.Group):
            assert rest, f"{name}: {' '.join(command)} names no command"
            known = found.commands
            assert rest[0] in known, f"{name}: there is no `cityhub {rest[0]}`"
            found, rest = known[rest[0]], rest[1:]
        found.make_context(name, list(rest))  # raises on an option that does not exist or cannot be parsed
    assert checked >= set(CLI_SERVICES)


AIRFLOW_KNOWS = """
import json, sys
from airflow.cli.cli_parser import get_parser
from airflow.configuration import conf
for line in json.loads(sys.argv[1]):
    get_parser().parse_args(line)
known = {(s, o) for s, options in conf.configuration_description.items() for o in options["options"]}
print(json.dumps([f"AIRFLOW__{s}__{o}".upper() for s, o in known]))
"""


def test_every_command_and_variable_of_airflow_exists(services: Services, tmp_path: Path) -> None:
    lines = [command[1:] for _, command in everything(services) if command[0] == "airflow"]
    assert {line[0] for line in lines} >= {
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "db",
        "pools",
    }
    done = subprocess.run(
        [sys.executable, "-c", AIRFLOW_KNOWS, json.dumps(lines)],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    entry = (REPOSITORY / "docker/entrypoint.sh").read_text(encoding="utf-8")
    named = set(re.findall(r"\bAIRFLOW__[A-Z_]+\b", entry))
    for service in services.values():
        named |= {name for name in service.get("environment", {}) if name.startswith("AIRFLOW__")}
    assert named - set(json.loads(done.stdout.splitlines()[-1])) == set()


def test_other_programs_exist_in_the_repository_or_belong_to_their_image(services: Services) -> None:
    of_images = {"postgres": {"pg_isready"}, "mosquitto": {"nc"}, "nginx": {"nc"}}
    for name, command in everything(services):
        if command[0] in {"cityhub", "airflow"}:
            continue
        if command[0] == "python" and command[1] == "-m":
            assert (REPOSITORY / command[2] / "__main__.py").is_file(), command
        elif command[0] == "python":
            assert command[1].startswith(IN_IMAGE)
            assert (REPOSITORY / command[1].removeprefix(IN_IMAGE)).is_file(), command
        else:
            assert command[0] in of_images.get(name, {"test"}), (name, command)


def test_the_pool_that_tasks_name_is_created(services: Services) -> None:
    from flow.airflow_env import POOL

    assert ["airflow", "pools", "set", POOL, "1"] in [command[:5] for _, command in everything(services)]


def test_ports_on_the_host_are_unique_and_on_loopback_by_default(services: Services) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    hosts = [port.rsplit(":", 1)[0] for port in published]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+", host) for host in hosts)
    assert not [host for host, count in Counter(hosts).items() if count > 1]


def test_what_listens_inside_is_what_is_published(services: Services, compose: dict[str, Any]) -> None:
    inside = {
        name: [int(port.rsplit(":", 1)[1]) for port in service.get("ports", [])] for name, service in services.items()
    }
    assert inside["api-server"] == [int(services["api-server"]["command"][-1])]
    assert inside["serve"] == [int(services["serve"]["command"][-1])]
    broker = (REPOSITORY / "docker/mosquitto/mosquitto.conf").read_text(encoding="utf-8")
    assert f"listener {inside['mosquitto'][0]}\n" in broker
    assert services["gateway"]["environment"]["CITYHUB_MQTT_URL"].endswith(f"mosquitto:{inside['mosquitto'][0]}")
    api = services["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    assert api == f"http://api-server:{inside['api-server'][0]}/execution/"


def test_each_gateway_runs_its_kind_and_is_asked_for_it(services: Services) -> None:
    from sensors.metrics import PORTS

    for name in ("gateway", *TCP_SERVICES):
        kind = name.partition("-")[2] or "mqtt"
        command, check = services[name]["command"], services[name]["healthcheck"]["test"]
        assert command == ["cityhub", "gateway", "run", kind, "--metrics", f"0.0.0.0:{PORTS[kind]}"]
        assert check == ["CMD", "python", "-m", "sensors", "health", kind]
        assert services[name]["profiles"] == ["production" if kind == "mqtt" else kind]


def test_volumes_are_declared_and_mounted_files_exist(services: Services, compose: dict[str, Any]) -> None:
    mounted = set()
    for service in services.values():
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            assert target.startswith("/")
            if source.startswith("."):
                assert mode == ["ro"]
                if not source.startswith("./docker/secrets"):  # made by docker/make-secrets.sh
                    assert (REPOSITORY / source).is_file(), source
            else:
                mounted.add(source)
                assert source in compose["volumes"]
    assert mounted == set(compose["volumes"])


def test_every_path_below_the_image_exists(raw: str) -> None:
    for path in re.findall(rf"{IN_IMAGE}([\w./-]+)", raw):
        assert (REPOSITORY / path).exists(), path


def test_dependencies_exist_and_can_become_what_is_waited_for(services: Services) -> None:
    for name, service in services.items():
        for other, terms in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if terms["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
            if terms["condition"] == "service_completed_successfully":
                assert services[other]["restart"] == "no"
            profiles = set(services[other].get("profiles", []))
            assert not profiles or profiles & set(service.get("profiles", [])), f"{name} waits for a profile's {other}"
        network = service.get("network_mode", "")
        if network:
            assert network.removeprefix("service:") in services
            assert "ports" not in service


def test_every_lasting_service_has_a_health_check_and_comes_back(services: Services) -> None:
    for name, service in services.items():
        if service["restart"] == "no":
            continue
        assert service["restart"] == "unless-stopped"
        check = service["healthcheck"]
        assert {"test", "interval", "timeout", "retries", "start_period"} <= check.keys(), name


def test_variables_of_the_hub_are_read_by_the_code(services: Services) -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (REPOSITORY / "cityhub").glob("*.py") if path.is_file()
    )
    addresses = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "feeds").glob("*.yaml"))
    for service in services.values():
        for name in service.get("environment", {}):
            if name.startswith("CITYHUB_"):
                is_address = f"${{{name.removeprefix('CITYHUB_').lower()}}}" in addresses
                assert f'"{name}"' in sources or is_address, name


def test_secrets_are_files_and_nothing_secret_stands_in_the_repository(
    compose: dict[str, Any], services: Services, tmp_path: Path
) -> None:
    used = {name for service in services.values() for name in service.get("secrets", [])}
    assert used == set(compose["secrets"])
    docker = tmp_path / "docker"
    docker.mkdir()
    script = docker / "make-secrets.sh"
    script.write_bytes((REPOSITORY / "docker/make-secrets.sh").read_bytes())
    for _ in range(2):  # the second time keeps what is there
        subprocess.run(["sh", str(script)], check=True, cwd=tmp_path)
        made = {
            str(path.relative_to(tmp_path)): path.read_text().strip()
            for path in docker.rglob("secrets/**/*")
            if path.is_file()
        }
    for secret in compose["secrets"].values():
        assert list(secret) == ["file"]
        assert len(made[secret["file"].removeprefix("./")]) >= 5
    ignored = (REPOSITORY / "docker/.gitignore").read_text(encoding="utf-8").split()
    assert {"secrets/", ".env"} <= set(ignored)


def test_the_example_environment_names_every_variable_and_no_secret(raw: str) -> None:
    example = (REPOSITORY / "docker/.env.example").read_text(encoding="utf-8")
    given = dict(line.split("=", 1) for line in example.splitlines() if line and not line.startswith("#"))
    wanted = {match["name"] for match in VARIABLE.finditer(raw)}
    assert wanted <= given.keys()
    assert given.keys() - wanted == {"COMPOSE_PROFILES"}
    assert not [name for name in given if "PASSWORD" in name or "TOKEN" in name]


def test_the_entry_point_hands_secrets_to_libraries_and_becomes_the_command(tmp_path: Path) -> None:
    for name, value in {
        "lake_password": "lp",
        "airflow_db_password": "ap",
        "airflow_jwt_secret": "jwt",
    }.items():
        (tmp_path / name).write_text(value + "\n")
    wanted = ["PGPASSWORD", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__API_AUTH__JWT_SECRET"]
    done = subprocess.run(
        ["sh", str(REPOSITORY / "docker/entrypoint.sh"), "printenv", *wanted],
        env={"PATH": os.environ["PATH"], "CITYHUB_DOCKER_SECRETS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["lp", "postgresql+psycopg://airflow:ap@postgres/airflow", "jwt"]


@pytest.mark.parametrize("script", ["entrypoint.sh", "make-secrets.sh", "mosquitto/start.sh", "postgres/init.sh"])
def test_shell_scripts_parse(script: str) -> None:
    path = REPOSITORY / "docker" / script
    subprocess.run(["sh", "-n", str(path)], check=True)
    assert os.access(path, os.X_OK)


def test_the_file_holds_no_key_twice(raw: str) -> None:
    assert YAML(typ="safe").load(raw)["services"]  # raises where PyYAML would silently take the last
