"""``compose.yaml`` as far as it can be checked without containers, and the page that explains it."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PASSWORD = "${MLFLOW_PASSWORD:?"


@pytest.fixture
def services() -> dict[str, Any]:
    content = yaml.safe_load((ROOT / "compose.yaml").read_text())
    volumes = {v.partition(":")[0] for s in content["services"].values() for v in s.get("volumes", ())}
    assert volumes == set(content["volumes"])
    return content["services"]


def test_only_the_server_can_be_reached_and_waits_for_the_others(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["server"]
    assert set(services["server"]["depends_on"]) == set(services) - {"server"}


def test_no_password_is_written_down(services: dict[str, Any]) -> None:
    secrets = [
        value
        for service in services.values()
        for name, value in service["environment"].items()
        if re.search("PASSWORD|SECRET", name)
    ]
    assert len(secrets) >= 4 and all(value.startswith(PASSWORD) for value in secrets)


def test_the_command_of_the_server_is_one_for_a_shell(services: dict[str, Any]) -> None:
    shell, option, script = services["server"]["command"]
    assert (shell, option) == ("sh", "-ec")
    assert re.search(r"(?<!\$)\$(?!\$)", script) is None  # compose would replace a single one itself
    subprocess.run(["sh", "-n"], input=script.replace("$$", "$"), text=True, check=True)
    [code] = re.findall(r"python -c '(.*?)'\n", script, re.DOTALL)
    compile(code, "compose.yaml", "exec")


def test_the_server_has_the_release_of_mlflow_that_was_tested(services: dict[str, Any]) -> None:
    pinned = f"mlflow[auth]=={version('mlflow')}"
    assert pinned in services["server"]["build"]["dockerfile_inline"]
    assert f"mlflow=={version('mlflow')}" in (ROOT / "constraints.txt").read_text()


def test_all_images_are_of_one_release(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values() if "image" in service]
    images += re.findall("^FROM (.*)", services["server"]["build"]["dockerfile_inline"])
    assert len(images) == 3
    for image in images:
        assert re.fullmatch(r"[\w/]+:v?\d+\.\d+(\.\d+)?(-\w+)?", image) and "latest" not in image
        assert not image.startswith("python") or image.count(".") == 2


def test_the_page_uses_what_is_there(services: dict[str, Any]) -> None:
    page = (ROOT / "docs/tracking_server.md").read_text()
    for name in re.findall(r"\b(MLFLOW_(?:PASSWORD|HOSTS))=", page):
        assert "${" + name in (ROOT / "compose.yaml").read_text()
    for setting in (
        "MLFLOW_AUTH_CONFIG_PATH",
        "MLFLOW_AUTH_ADMIN_PASSWORD",
        "MLFLOW_FLASK_SERVER_SECRET_KEY",
    ):
        assert setting in page and setting in services["server"]["environment"]
