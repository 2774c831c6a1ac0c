"""Checkpoints: a wrong or broken file is never used, and a broken download goes on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avbench import download
from avbench.cli.weights import app
from avbench.download import DownloadError, pull
from avbench.errors import Unscored, UsageError
from avbench.weights import Verdict, Weights, digest_of, find, locate, path_of, table, verify

BODY = bytes(range(256)) * 40_000


@dataclass
class Server:
    """A local publisher; `mode` is how it misbehaves, `requests` the headers it saw."""

    address: str = ""
    mode: str = "good"
    requests: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.requests.append(dict(self.headers))
            if state.mode.isdigit():
                self.send_error(int(state.mode))
                return
            start = 0
            if self.headers["Range"] and state.mode != "ignores ranges":
                start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(BODY):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            rest = BODY[start:]
            self.send_header("Content-Length", str(len(rest) + (5 if state.mode == "lies" else 0)))
            self.end_headers()
            if state.mode in ("breaks off", "lies"):
                half = rest[: len(rest) // 2] if state.mode == "breaks off" else rest
                self.wfile.write(half)
                self.close_connection = True
            else:
                self.wfile.write(b"x" * len(rest) if state.mode == "wrong" else rest)

        def log_message(self, *args: object) -> None: ...

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    state.address = f"http://127.0.0.1:{httpd.server_port}"
    monkeypatch.setenv("AVBENCH_HOME", str(tmp_path))
    monkeypatch.delenv("AVBENCH_MIRROR", raising=False)
    yield state
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def weights(server: Server) -> Weights:
    digest = "sha256:" + hashlib.sha256(BODY).hexdigest()
    return Weights("toy", "toy.pth", f"{server.address}/toy.pth", "MIT", "state dict", digest)


def test_pull_puts_the_verified_file_in_place(weights: Weights) -> None:
    seen: list[tuple[int, int | None]] = []
    path = pull(weights, lambda received, total: seen.append((received, total)))
    assert path.read_bytes() == BODY
    assert verify(weights) is Verdict.OFFICIAL
    assert seen[-1] == (len(BODY), len(BODY))
    assert [p.name for p in path.parent.glob("*.part")] == []


def test_a_download_that_breaks_off_is_resumed(weights: Weights, server: Server) -> None:
    server.mode = "breaks off"
    with pytest.raises(DownloadError, match="run the same command to go on"):
        pull(weights)
    part = path_of(weights).with_name("toy.pth.part")
    kept = part.stat().st_size
    assert len(BODY) // 2 <= kept < len(BODY)
    assert not path_of(weights).exists()
    server.mode = "good"
    server.requests.clear()
    assert pull(weights).read_bytes() == BODY
    assert server.requests[0]["Range"] == f"bytes={kept}-"


def test_a_server_without_ranges_starts_over(weights: Weights, server: Server) -> None:
    part = path_of(weights).with_name("toy.pth.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"old" * 100)
    server.mode = "ignores ranges"
    assert pull(weights).read_bytes() == BODY


def test_a_wrong_file_is_refused_and_deleted(weights: Weights, server: Server) -> None:
    server.mode = "wrong"
    with pytest.raises(DownloadError, match="digest is not sha256:"):
        pull(weights)
    assert list(path_of(weights).parent.iterdir()) == []


def test_a_server_that_lies_about_the_length_is_an_error(weights: Weights, server: Server) -> None:
    server.mode = "lies"
    undated = replace(weights, digest="")
    with pytest.raises(DownloadError):
        pull(undated)
    assert not path_of(weights).exists()


@pytest.mark.parametrize(("code", "advice"), [("404", "AVBENCH_MIRROR"), ("403", "HF_TOKEN"), ("500", "5 attempts")])
def test_http_errors_say_what_to_do(weights: Weights, server: Server, code: str, advice: str) -> None:
    server.mode = code
    with pytest.raises(DownloadError, match=advice):
        pull(weights)
    assert len(server.requests) == (download.ATTEMPTS if code == "500" else 1)


def test_mirror_and_token(weights: Weights, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_MIRROR", server.address)
    monkeypatch.setenv("HF_TOKEN", "canary-secret")
    elsewhere = replace(weights, address="https://huggingface.co/nowhere/toy.pth")
    assert pull(elsewhere).read_bytes() == BODY
    assert all("canary-secret" not in str(headers) for headers in server.requests)


def test_a_file_without_a_known_digest_needs_a_receipt(weights: Weights) -> None:
    unknown = replace(weights, digest="")
    path_of(unknown).parent.mkdir(parents=True)
    path_of(unknown).write_bytes(BODY)
    assert verify(unknown) is Verdict.UNVERIFIED
    pull(unknown)
    assert verify(unknown) is Verdict.OFFICIAL
    path_of(unknown).write_bytes(BODY[:-1])
    assert verify(unknown) is Verdict.WRONG


def test_locate_refuses_what_is_not_official(server: Server) -> None:
    with pytest.raises(Unscored, match="avbench weights pull syncnet_v2"):
        locate("syncnet_v2")
    path = path_of(find("syncnet_v2"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"seeded")
    with pytest.raises(Unscored, match="--allow-unverified"):
        locate("syncnet_v2")
    assert locate("syncnet_v2", allow_unverified=True) == path


def test_git_digest_is_gits_own(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"hello\n")
    assert digest_of(file, "git") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_the_table_is_complete() -> None:
    files = [w.file for w in table().values()]
    assert len(set(files)) == len(files)
    for weights in table().values():
        assert weights.address.startswith("https://")
        assert weights.licence
        assert weights.layout
        assert weights.digest.partition(":")[0] in ("", "sha256", "md5", "git")
    assert find("synchformer").megabytes == 950
    assert [find(id).commercial for id in ("imagebind_huge", "synchformer", "s3fd")] == ["no", "yes", "unknown"]


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="syncnet_v2"):
        find("syncnet")


def test_the_command_line(server: Server) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["where"]).stdout.strip().endswith("weights")
    missing = runner.invoke(app, ["verify", "s3fd"])
    assert (missing.exit_code, missing.stdout.split()) == (3, ["s3fd", "missing"])
    assert runner.invoke(app, ["verify", "--json"]).exit_code == 0
