"""Label Studio as a peer: installed in an environment of its own, on SQLite, on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _load import Address

VERSION = "1.23.2"
USER, PASSWORD = "admin@example.com", "benchmark-only"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="answer" toName="text" choice="single">'
    '<Choice value="Positive"/><Choice value="Negative"/></Choices></View>'
)
PEOPLE = """
import json, sys
import django
django.setup()
from django.contrib.auth import get_user_model
from organizations.models import Organization, OrganizationMember
from rest_framework.authtoken.models import Token
organization = Organization.objects.first()
organization.jwt.legacy_api_tokens_enabled = True
organization.jwt.save()
tokens = []
for number in range(int(sys.argv[1])):
    user, made = get_user_model().objects.get_or_create(
        email=f"reviewer{number}@example.com", defaults={"username": f"reviewer{number}"}
    )
    user.active_organization = organization
    user.save()
    OrganizationMember.objects.get_or_create(user=user, organization=organization)
    tokens.append(Token.objects.get_or_create(user=user)[0].key)
print("TOKENS" + json.dumps(tokens))
"""


def environment(folder: Path) -> Path:
    """The environment with Label Studio in it, made where it is missing; its Python."""
    python = folder / "bin" / "python"
    if not (folder / "bin" / "label-studio").exists():
        print(f"installing Label Studio {VERSION} into {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", f"label-studio=={VERSION}"], check=True
        )
    return python


@dataclass(slots=True, kw_only=True)
class LabelStudio:
    """A running Label Studio."""

    python: Path
    data: Path
    admin: Address
    environ: dict[str, str]
    pid: int

    @classmethod
    @contextmanager
    def running(
        cls, python: Path, data: Path, *, port: int, fresh: bool = True
    ) -> Iterator[LabelStudio]:
        """Start it, with a ``fresh`` data folder or what is there; ended when the block ends."""
        if fresh:
            shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True, exist_ok=True)
        environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
            "LABEL_STUDIO_BASE_DATA_DIR": str(data),
            "LABEL_STUDIO_USERNAME": USER,
            "LABEL_STUDIO_PASSWORD": PASSWORD,
            "LABEL_STUDIO_USER_TOKEN": TOKEN,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "LATEST_VERSION_CHECK": "0",
            "COLLECT_ANALYTICS": "0",
            "SENTRY_DSN": "",
            "DEBUG": "0",
        }
        program = str(python.parent / "label-studio")
        with (data / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [program, "start", "--no-browser", "--port", str(port)],
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            admin = Address(port=port, headers={"Authorization": f"Token {TOKEN}"})
            try:
                server = cls(
                    python=python, data=data, admin=admin, environ=environ, pid=process.pid
                )
                server._wait(process)
                yield server
            finally:
                os.killpg(process.pid, 15)
                process.wait(30)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit((self.data / "server.log").read_text()[-2000:])
            try:
                if self.admin.call("GET", "/health")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.5)
        raise SystemExit("Label Studio did not start")

    def people(self, count: int) -> list[Address]:
        """So many annotators with tokens of their own."""
        script = self.data / "people.py"
        script.write_text(PEOPLE, encoding="utf-8")
        package = next(self.python.parents[1].glob("lib/python*/site-packages/label_studio"))
        environ = {
            **self.environ,
            "DJANGO_SETTINGS_MODULE": "core.settings.label_studio",
            "PYTHONPATH": str(package),
        }
        done = subprocess.run(
            [str(self.python), str(script), str(count)],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"TOKENS(\[.*\])", done.stdout)
        if found is None:
            raise SystemExit(done.stderr[-2000:])
        tokens: list[str] = json.loads(found.group(1))
        return [
            Address(port=self.admin.port, headers={"Authorization": f"Token {token}"})
            for token in tokens
        ]

    def project(self, overlap: int = 1) -> int:
        """A project with one choice between two labels."""
        made = self.admin.json(
            "POST",
            "/api/projects/",
            {"title": "benchmark", "label_config": CONFIG, "maximum_annotations": overlap},
        )
        return int(made["id"])

    def add(self, project: int, texts: Sequence[str], *, predicted: str | None = None) -> None:
        """Import texts, with a prediction each where one is given, as one request of many tasks."""
        tasks: list[dict[str, object]] = []
        for text in texts:
            task: dict[str, object] = {"data": {"text": text}}
            if predicted is not None:
                task["predictions"] = [{"result": result(predicted), "score": 0.9}]
            tasks.append(task)
        self.admin.json("POST", f"/api/projects/{project}/import", tasks)

    def doubled(self, project: int) -> tuple[int, int]:
        """Tasks with more than one annotation, and all annotations."""
        import sqlite3

        with sqlite3.connect(self.data / "label_studio.sqlite3") as db:
            rows = db.execute(
                "SELECT count(*) FROM task_completion c JOIN task t ON t.id = c.task_id"
                " WHERE t.project_id = ? GROUP BY t.id",
                [project],
            ).fetchall()
        counts = [int(count) for (count,) in rows]
        return sum(count > 1 for count in counts), sum(counts)


def result(label: str) -> list[dict[str, object]]:
    """A choice as Label Studio writes it."""
    return [
        {
            "from_name": "answer",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": [label]},
        }
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotator:
    """One annotator of a Label Studio project."""

    address: Address
    project: int

    @property
    def asks(self) -> bool:
        """Its page asks for each task when the one before is submitted."""
        return True

    def next(self) -> object | None:
        """The next task."""
        status, said = self.address.call("GET", f"/api/projects/{self.project}/next")
        if status == 404:
            return None
        if status >= 400:
            raise RuntimeError(f"next: {status}")
        return json.loads(said)["id"]

    def submit(self, item: object) -> None:
        """Annotate it."""
        self.address.json(
            "POST",
            f"/api/tasks/{item}/annotations/?project={self.project}",
            {"result": result("Positive"), "lead_time": 1.0},
        )
