"""A canary for a password: whatever is shown or kept, it is not in it."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from remix.settings.errors import SettingError
from remix.settings.redaction import RedactedStream, redact, redacted
from remix.tracking.store import database_file, store_uri
from tests.command_line import CommandLine
from tests.studies.studies import TINY

CANARY = "S3cretCanary"
RUN = ("train", *TINY, "logger=csv", "experiment_name=games")


def leaks(folder: Path) -> list[str]:
    """Files and folders that have the canary in their content or their name."""
    return [
        str(path)
        for path in folder.rglob("*")
        if CANARY in path.name or (path.is_file() and CANARY.encode() in path.read_bytes())
    ]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://ml:S3cret@host/x", "postgresql://ml:***@host/x"),
        ("mysql+pymysql://ml:a@b/c@host", "mysql+pymysql://ml:***@host"),
        ("'http://u:p%40ss@h' refused", "'http://u:***@h' refused"),
        ("https://t0ken@host/path", "https://***@host/path"),
        ("redis://:S3cret@host", "redis://:***@host"),
        ("sqlite:///a.db?password=x&timeout=3", "sqlite:///a.db?password=***&timeout=3"),
        ("?sslpassword=x", "?sslpassword=***"),
        ("http://h/?access_token=x: no", "http://h/?access_token=***: no"),
        ("host=h password='two words' user=u", "host=h password=*** user=u"),
        ("odbc_connect=UID%3Du%3BPWD%3Dx", "odbc_connect=UID%3Du%3BPWD%3D***"),
        ("{'password': 'x', 'user': 'u'}", "{'password': ***, 'user': 'u'}"),
        ("logger:\n  api_key: x\n  name: y\n", "logger:\n  api_key: ***\n  name: y\n"),
        ("Authorization: Bearer x.y.z", "Authorization: Bearer ***"),
    ],
)
def test_forms_of_secrets(text: str, masked: str) -> None:
    assert redact(text) == masked
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000/path@2",
        "http://[::1]:5000",
        "assign=1 design=2",
        "token: null",
        "a:b@c",
        "32 tokens, n_tokens=3",
        "seed=1: must be a whole number",
        "env.options.max_token=512: must be less",
        "n_token=1,2,3",
        "{'n_token': 3, 'num_secret': 0}",
        "options:\n  n_token: 3\n",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_what_libraries_quote_of_an_address_that_was_used() -> None:
    store_uri("postgresql://ml:pa%24%24Canary@host/x")
    assert redact("no access for pa%24%24Canary or pa$$Canary") == "no access for *** or ***"


@pytest.mark.parametrize("text", ["a" * 300_000, "http://a:" * 30_000, "token= " * 50_000, "a-" * 200_000])
def test_long_text_is_no_burden(text: str) -> None:
    """A pattern that tries every way through it would not come back."""
    assert len(redact(text)) > 0


def test_configurations_keep_all_else() -> None:
    config = {
        "logger": {"x": {"api_key": "k", "password": 12, "token": None, "uri": ["http://u:p@h"]}},
        "env": {"n_tokens": 3, "name": "token=5"},
    }
    assert redacted(config) == {
        "logger": {"x": {"api_key": "***", "password": "***", "token": None, "uri": ["http://u:***@h"]}},
        "env": {"n_tokens": 3, "name": "token=5"},
    }


@pytest.mark.parametrize(
    "name", ["n_token", "max_token", "MIN-TOKEN", "num_secret", "env.total_token", "token_count", "n_keys"]
)
def test_counts_stay(name: str) -> None:
    for count in (0, 5, 123_456_789, "1,2,3"):
        assert redacted({name: count}) == {name: count}
        assert redact(f"{name}={count}") == f"{name}={count}"


@pytest.mark.parametrize("name", ["password", "pin", "pin_code", "PASSCODE", "token", "api_key", "maxtoken"])
@pytest.mark.parametrize("secret", [0, 1234, "1234", 123_456_789])
def test_secrets_of_digits_do_not(name: str, secret: int | str) -> None:
    assert redacted({name: secret}) == {name: "***"}
    assert redact(f"{name}={secret}") == f"{name}=***"


@pytest.mark.parametrize("secret", [1_234_567_890, "s3cret", "5-a"])
def test_what_is_no_count_under_the_name_of_one(secret: int | str) -> None:
    assert redacted({"n_token": secret}) == {"n_token": "***"}
    assert redact(f"n_token={secret}") == "n_token=***"


def test_streams_mask_and_are_otherwise_themselves() -> None:
    text = io.StringIO()
    stream = RedactedStream(text)
    print("see", f"http://u:{CANARY}@h", file=stream)
    assert text.getvalue() == "see http://u:***@h\n"
    assert not stream.isatty()


def test_output_that_was_closed_before_the_command_began(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'from remix.cli import main; main()' list --all >&- 2>&-"
    assert subprocess.run(command, shell=True, cwd=tmp_path).returncode == 0


class TestAddresses:
    def test_a_database_may_have_parameters(self, tmp_path: Path) -> None:
        uri = store_uri(f"sqlite:///{tmp_path}/a.db?timeout=3")
        assert uri.endswith("/a.db?timeout=3")
        assert database_file(uri) == tmp_path / "a.db"

    @pytest.mark.parametrize("password", ["***", "a@b", "a/b", "a#b", "a?b"])
    def test_a_password_that_cannot_be_one(self, password: str) -> None:
        with pytest.raises(SettingError, match=r"tracking_uri=.*password"):
            store_uri(f"postgresql://ml:{password}@host/x")


def test_neither_output_nor_files_of_runs(remix: CommandLine) -> None:
    """A tag of a logger stands for all that a configuration may hold."""
    address = f"postgresql://ml:{CANARY}@host/x"
    tagged = f"+logger.csv.note='{address}'"
    outcome = remix(*RUN, f"+callbacks.summary.note='{address}'")
    assert CANARY not in outcome.out + outcome.err
    outcome = remix(*RUN, tagged)
    assert CANARY not in outcome.out + outcome.err
    assert leaks(remix.home) == []


@pytest.mark.parametrize("verbose", [(), ("-v",)])
@pytest.mark.parametrize(
    "address", [f"postgresql://ml:{CANARY}@127.0.0.1:1/x", f"http://u:{CANARY}@127.0.0.1:9"]
)
def test_a_store_that_fails(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch, address: str, verbose: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    arguments = ("train", *TINY, "experiment_name=games", "logger=mlflow", *verbose)
    try:
        outcome = remix(*arguments)
        assert "***" in outcome.err
        assert CANARY not in outcome.out + outcome.err
    except SettingError:
        assert verbose  # the interpreter would print the traceback, through the stream
    assert leaks(remix.home) == []


def test_a_store_that_works(remix: CommandLine, mlflow_uri: str) -> None:
    address = f"{mlflow_uri}?timeout=30&password={CANARY}"
    arguments = ("train", *TINY, "experiment_name=games", "logger=many")
    outcome = remix(*arguments, "-m", "seed=1", f"logger.mlflow.tracking_uri='{address}'")
    assert outcome.code == 0, outcome.err
    assert CANARY not in outcome.out + outcome.err
    assert leaks(remix.home) == []
    [checkpoint] = remix.home.glob("runs/sweeps/**/last.ckpt")
    assert remix("evaluate", str(checkpoint), "episodes=1").code == 0  # what is kept can be used


def test_a_traceback_of_the_interpreter(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingError) as error:
        remix("report", "x", "--tracking-uri", f"http://u:{CANARY}@127.0.0.1:9", "-v")
    sys.excepthook(error.type, error.value, error.tb)
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "***" in shown
    assert CANARY not in shown
