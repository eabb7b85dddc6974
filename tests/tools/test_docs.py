"""The manual and the completions that the build makes: they render, and they know what the program knows.

AIRLOCK_BIN is the program; AIRLOCK_DOCS the directory with airlock.1, airlock-explain.7, airlock.bash.
"""

import json
import os
import re
import subprocess
from pathlib import Path

PROGRAM = os.environ["AIRLOCK_BIN"]
DOCS = Path(os.environ["AIRLOCK_DOCS"])
GATEWAY_PAGE = Path(__file__).resolve().parents[2] / "docs/man/airlock-gateway.1"


def airlock(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=True).stdout


def render(page):
    """The page as a terminal of 80 columns shows it; groff has nothing to complain of."""
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-rLL=78n", "-P-cbou", DOCS / page],
                          capture_output=True, text=True, check=True)
    assert done.stderr == "", done.stderr
    empty = re.search(r"^\.PP\n\.(PP|TP|SS|SH)\b.*", (DOCS / page).read_text(), re.M)  # mandoc complains of these
    assert not empty, empty
    return done.stdout


def commands():
    """Each command of the overview, and its flags by its own help."""
    names = re.findall(r"^  ([a-z][a-z-]*) {2,}\S", airlock("help").split("Global flags")[0], re.M)
    assert len(names) >= 20 and "run" in names
    return {name: re.findall(r"^  (?:-\w, )?(--[a-z-]+)", airlock("help", name), re.M) for name in names}


def complete(*words):
    """What bash offers for the last word."""
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _airlock;'
              ' printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", DOCS / "airlock.bash", "airlock", *words],
                          capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_the_manual_has_every_command_and_flag():
    text = render("airlock.1")
    assert max(map(len, text.splitlines())) <= 80
    for name, flags in commands().items():
        section = re.search(rf"^   {name}\b.*?(?=^   \w|^[A-Z])", text, re.M | re.S)
        assert section, name
        for flag in flags:
            assert re.search(rf"{flag}\b", section[0]), f"{name} {flag}"
    for code in re.findall(r"exit-(\d+)", airlock("explain")):
        assert re.search(rf"^       {code}\b", text.split("EXIT STATUS")[1], re.M), code


def test_the_manual_has_every_id():
    text = render("airlock-explain.7")
    ids = [row["id"] for row in json.loads(airlock("explain", "--json"))["ids"]]
    assert len(ids) > 100
    assert [i for i in ids if not re.search(rf"^       {re.escape(i)}( |$)", text, re.M)] == []


def test_the_gateways_manual_knows_what_its_help_knows():
    text = render(GATEWAY_PAGE)
    told = subprocess.run([os.environ["AIRLOCK_GATEWAY_BIN"], "--help"], capture_output=True, text=True,
                          check=True).stdout
    flags, codes = re.findall(r"--[a-z]+", told), re.findall(r"(?:^|codes: |, )(\d) [a-z]", told, re.M)
    assert len(set(flags)) == 4 and len(codes) == 5
    for flag in flags:
        assert flag in text
    for code in codes:
        assert re.search(rf"^       {code}\b", text.split("EXIT STATUS")[1], re.M), code


def test_bash_completes_commands_flags_and_values():
    known = commands()
    assert set(known) <= complete("")
    assert complete("ru") == {"run"}
    for name, flags in known.items():
        assert set(flags) <= complete(name, "--"), name
    assert complete("-f", "x.yaml", "journal", "--j") == {"--json"}
    assert complete("approve", "--js") == set()  # it has no JSON form
    assert complete("journal", "ver") == {"verify"}
    assert complete("init-roles", "--side", "") == {"old", "new"}
    assert complete("declare", "l") == {"lost"}
    assert complete("help", "resu") == {"resume"}
    assert complete("explain", "exit-13") == {"exit-130"}
    assert complete("run", "--approve", "") == set()


def test_paths_are_completed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "airlock.yaml").touch()
    assert complete("-f", "air") == complete("plan", "--plan", "air") == {"airlock.yaml"}
