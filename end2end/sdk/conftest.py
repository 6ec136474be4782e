"""What the tests are told about the app that they try, and the clients they try it with."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from openai import OpenAI


def need(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set. Run ./dev test e2e")
    return value


@pytest.fixture(scope="session")
def base_url() -> str:
    return need("BASE_URL").rstrip("/") + "/v1"


@pytest.fixture(scope="session")
def api_key() -> str:
    return need("E2E_API_KEY")


@pytest.fixture(scope="session")
def model() -> str:
    return need("OLLAMA_MODEL").split(":")[0]


@pytest.fixture
def token_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tiktoken's table, which it would fetch from the internet: it is the one that the server has."""
    address = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
    table = Path(__file__).parents[2] / "crates/openai/src/tokens/cl100k_base.tiktoken"
    shutil.copy(table, tmp_path / hashlib.sha1(address.encode()).hexdigest())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))


@pytest.fixture
def client(base_url: str, api_key: str) -> OpenAI:
    # No second tries: what fails must be seen to fail.
    return OpenAI(base_url=base_url, api_key=api_key, max_retries=0)
