"""The hook, installed by a real tool out of a clone of this repository, lets good commits through and no others."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = """
journey: hello
entry: { event: signed_up, again: never }
steps:
  - send: welcome
"""
PROJECT = {
    "journeyscript.yaml": 'name: shop\nrules: { JS902: "off" }\n',
    "catalog/customer.yaml": "attributes: { email: { type: string, optional: true } }\n",
    "catalog/events.yaml": "events: { signed_up: {} }\n",
    "channels/post/channel.yaml": "adapter: console\nconsent: none\n",
    "channels/post/welcome.txt": "Hello",
}
PATIENCE = 100
NO_NETWORK = (
    "network",
    "connect",
    "fetch",
    "timed out",
    "timeout",
    "HTTP status",
    "Proxy",
    "resolve",
    "No matching distribution",
    "not found in the package registry",
    "offline",
)


def tool():
    """Return a tool that runs hooks: from the environment of this Python, or from the path."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return next((found for name in ("prek", "pre-commit") if (found := shutil.which(name, path=places))), None)


def git(folder, *words):
    return subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *words],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def environment(folder):
    """Return the environment of a tool that keeps what it makes beside the test, and finds itself when git calls it."""
    kept = str(folder.parent / "kept")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))},
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PRE_COMMIT_HOME": kept,
        "PREK_HOME": kept,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }


@pytest.fixture
def clone(tmp_path):
    """Return a clone of this repository as it is now, with what is needed to install from it."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "journeyscript", folder / "journeyscript", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "All of it"], ["tag", "v0"]):
        assert git(folder, *words).returncode == 0
    return folder


@pytest.fixture
def project(tmp_path, clone):
    """Return a project in git whose commits the hook looks at."""
    runs_hooks = tool()
    if runs_hooks is None:
        pytest.skip("neither prek nor pre-commit is installed")
    folder = tmp_path / "shop"
    config = f"repos: [{{ repo: {clone}, rev: v0, hooks: [{{ id: journeyscript-validate }}] }}]\n"
    for name, text in {**PROJECT, ".pre-commit-config.yaml": config}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    assert git(folder, "init", "-q").returncode == 0
    try:
        installed = subprocess.run(
            [runs_hooks, "install", "--install-hooks"],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the hook's libraries did not come in {PATIENCE} seconds")
    if installed.returncode != 0:
        said = installed.stdout + installed.stderr
        if any(word in said for word in NO_NETWORK):
            pytest.skip("the hook's libraries cannot be fetched from here")
        raise AssertionError(said)
    return folder


def commit(project, journey):
    path = project / "journeys" / "hello.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(journey, encoding="utf-8")
    git(project, "add", "-A")
    return git(project, "commit", "-m", "A journey")


@pytest.mark.xdist_group("pre-commit")
@pytest.mark.timeout(240)
def test_the_hook_refuses_a_wrong_commit_and_shows_why(project):
    refused = commit(project, GOOD.replace("signed_up", "signed_upp"))
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1, said
    assert "error[JS103]: there is no event `signed_upp`" in said
    assert "help: did you mean `signed_up`?" in said
    assert git(project, "rev-parse", "--verify", "HEAD").returncode != 0

    accepted = commit(project, GOOD)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr

    # What is read from beside the code is part of what was installed.
    pages = (project.parent / "kept").rglob("rule_pages/JS103.md")
    assert any("site-packages" in path.parts for path in pages)

    (project / "notes.txt").write_text("no file of the project", encoding="utf-8")
    git(project, "add", "-A")
    passed_over = git(project, "commit", "-m", "Notes")
    assert passed_over.returncode == 0
    assert "no files to check" in passed_over.stdout + passed_over.stderr
