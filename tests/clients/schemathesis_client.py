"""schemathesis: random operations of its making, from the schema. Each has data, or errors with codes."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import schemathesis
from graphql import NullValueNode
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("TRIPGRAPH_BIN", str(ROOT / "target/debug/tripgraph"))
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "100"))
# Of errors that are the client's, not the server's.
CODES = {
    "BAD_USER_INPUT",
    "NOT_FOUND",
    "CONFLICT",
    "FORBIDDEN",
    "TOO_LARGE",
    "TOO_COMPLEX",
}


def test(address):
    # Without a file: the value of a variable of this type cannot be written in a document.
    schemathesis.graphql.scalar("Upload", st.just(NullValueNode()))
    schema = schemathesis.graphql.from_url(f"http://{address}/graphql")
    answered = 0

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema.as_strategy())
    def answers(case):
        nonlocal answered
        response = case.call()
        assert response.status_code == 200, response.text
        answer = response.json()
        errors = answer.get("errors", [])
        assert errors or answer.get("data") is not None, (case.body, answer)
        for error in errors:
            assert error.get("extensions", {}).get("code") in CODES, (case.body, error)
        answered += not errors

    answers()
    assert answered > EXAMPLES / 10, f"{answered} of {EXAMPLES} have no errors"


def main():
    with tempfile.TemporaryDirectory() as home:
        server = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0"],
            cwd=home,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "NO_COLOR": "1"},
        )
        try:
            for line in server.stderr:
                found = re.search(r"http://([\d.]+:\d+)/graphiql", line)
                if found:
                    break
            else:
                sys.exit("the server does not start")
            # Its log must be read, or it waits.
            with subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL):
                test(found.group(1))
                server.terminate()
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
