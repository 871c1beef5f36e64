"""What a run ran on, without starting anything."""

import subprocess
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from omninegclip import __version__, environment
from omninegclip.environment import git_state, versions

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    return tmp_path / ".git"


def test_the_commit_is_that_of_the_branch(repository: Path) -> None:
    assert git_state() is None
    (repository / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert git_state() == {"commit": COMMIT}
    (repository / "refs/heads").mkdir(parents=True)
    (repository / "refs/heads/main").write_text("f" * 40 + "\n")
    assert git_state() == {"commit": "f" * 40}
    (repository / "HEAD").write_text(COMMIT + "\n")
    assert git_state() == {"commit": COMMIT}


def test_the_commit_of_a_worktree_is_found(repository: Path, tmp_path: Path) -> None:
    (repository / "packed-refs").write_text(f"{COMMIT} refs/heads/side\n")
    (repository / "worktrees/deep").mkdir(parents=True)
    (repository / "worktrees/deep/HEAD").write_text("ref: refs/heads/side\n")
    (repository / "worktrees/deep/commondir").write_text("../..\n")
    (tmp_path / "deep/.git").write_text(f"gitdir: {repository / 'worktrees/deep'}\n")
    assert git_state() == {"commit": COMMIT}


@pytest.mark.parametrize(
    "head", [b"", b"ref: refs/../../secret\n", b"ref: refs/heads/none\n", b"\xff\x00", b"x" * 9_000_000]
)
def test_what_is_no_repository_has_no_commit(repository: Path, head: bytes) -> None:
    (repository / "HEAD").write_bytes(head)
    assert git_state() is None


def test_no_program_is_started(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(subprocess, "Popen", fail)
    (repository / "config").write_text("[core]\n\tfsmonitor = /bin/false\n")
    (repository / "HEAD").write_text(COMMIT + "\n")
    assert git_state() == {"commit": COMMIT}


def test_a_source_tree_that_is_not_installed_has_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "version", missing)
    assert versions.__wrapped__()["omninegclip"] == __version__  # not what is known of this installation
