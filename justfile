# Recipes name the stages of .ci/run, which needs no just: https://just.systems

# Lists the recipes.
default:
    @just --list

# Runs everything that has to pass before a change is merged.
ci:
    .ci/run

# Runs stages of .ci/run: `just stage lint test`.
stage *stages:
    .ci/run {{ stages }}

# Installs what the other stages need.
prepare: (stage "prepare")

# Checks the format of Rust code.
format: (stage "format")

# Runs Clippy.
lint: (stage "lint")

# Runs the Rust tests, on SQLite and PostgreSQL.
test: (stage "test")

# Compares schema.graphql with the program.
schema: (stage "schema")

# Compares the generated pages of the documentation with the program.
generated: (stage "generated")

# Runs the transcripts of the documentation.
transcripts: (stage "transcripts")

# Checks links of Markdown files, without the network.
links: (stage "links")

# Finds misspelt words.
typos: (stage "typos")

# Runs kills, failpoints and other faults for some minutes.
faults: (stage "faults")

# Lints and tests the console, in a real browser.
console: (stage "console")

# Builds the API documentation.
rustdoc: (stage "rustdoc")

# Checks licences and sources of dependencies.
dependencies: (stage "dependencies")

# Checks Dockerfile, compose file, Terraform and shell scripts.
deployment: (stage "deployment")

# Writes every generated file anew.
renew:
    cargo fmt --all
    cargo build --locked
    target/debug/tripgraph schema > schema.graphql
    INSTA_UPDATE=always cargo test --locked --test sqlite
    docs/test/generated.py
    docs/test/transcripts.py --update
    bench/publish.py
