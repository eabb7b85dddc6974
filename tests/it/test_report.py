"""`airlock report` after real crossings: what the page says is what the journal says."""

import json
import re
import shutil
import sqlite3
from html.parser import HTMLParser

import psycopg
import pytest
from browser import CHROMIUM, look

from conftest import needs_program
from crossing import DONE, Crossing
from lab import LEGACY_ROLE
from ledger import Ledger, latency_lines
from server import wait_until

VOID = {"meta", "br", "img", "link", "input", "hr", "col"}
HOSTILE = "<script>x()</script>\x1b]0;owned"


class Page(HTMLParser):
    """The elements of a page, and its tables by id as lists of rows of cell texts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.ids, self.tables, self.times = [], [], {}, {}
        self._open, self._table, self._cell = [], None, None
        self.text = ""
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._table = self.tables.setdefault(attributes.get("id", len(self.tables)), [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th"):
            self._cell = ""
        elif tag == "time" and self._cell is not None:
            self._cell += attributes["datetime"] + "|"

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open and self._open.pop() == tag, f"</{tag}> closes nothing"
        if tag in ("td", "th"):
            self._table[-1].append(self._cell)
            self._cell = None

    def handle_data(self, data):
        self.text += data
        if self._cell is not None:
            self._cell += data


def export(crossing):
    lines = crossing.call("journal", "export").require(DONE).out.splitlines()
    return [json.loads(line) for line in lines]


def expected_timeline(rows):
    """(from, old, new, row) of each stretch, worked out of the journal here and not there."""
    found = []
    source = {row["run"]: row["detail"]["from"] for row in rows if row["kind"] == "verdict"}
    for row in rows:
        if row["kind"] == "sync":
            found.append((row["at"], "open", "shut", row["seq"]))
        elif row["kind"] == "moved" and row["text"].startswith("HELD -> SEALED"):
            found.append((row["at"], "shut", "shut", row["seq"]))
        elif row["kind"] == "moved" and row["text"].startswith("COMMITTING -> PROMOTED"):
            opened = {"old": ("shut", "open"), "new": ("open", "shut")}[source[row["run"]]]
            found.append((row["at"], *opened, row["seq"]))
    return found


def page_timeline(page):
    """The same, out of the page's table."""
    head, *rows = page.tables["timeline-table"]
    assert head == ["Store", "From (UTC)", "For", "Old", "New", "Writes", "Because"]
    return [(row[1].split("|")[0], row[3], row[4], int(re.search(r"row (\d+)$", row[6])[1])) for row in rows]


@pytest.fixture(scope="module")
def story(labs, scratch):
    """A lab that was crossed and crossed back under load, with an undeclared writer seen."""
    needs_program()
    lab, place = labs(level=3), scratch()
    crossing = Crossing(lab, place / "commands")
    crossing.prepare()
    lab.new.psql("ANALYZE", "shop")
    with psycopg.connect(lab.dsn("old", LEGACY_ROLE), autocommit=True,
                         application_name=HOSTILE) as writer:
        writer.execute("UPDATE products SET price = price WHERE id = 1")
        crossing.call("discover", "--for", "300ms")
        assert crossing.call("check").code == 3
    plan = lab.plan.read_text()
    lab.plan.write_text(plan.replace(
        "services:\n", f"services:\n  legacy: {{tier: replayable, writes: [orders], match: {{user: {LEGACY_ROLE}}}}}\n")
        .replace('web, to: orders, because: "clients try both sides"',
                 "web, to: orders, because: '</style><script>x()</script>'")
        .replace("overlap:\n", 'overlap:\n  - {from: legacy, to: orders, because: "it retries", at_most: 30m}\n'))
    with Ledger(lab, place / "ledger", clients=8, rate=400) as ledger:
        for direction in ("forward", "rollback"):
            ledger.wait_for(300)
            wait_until(lambda: crossing.call("resume").code == DONE, 60, "nothing left to resume")
            crossing.call(*crossing.moved(direction)).require(DONE)
        ledger.wait_for(300)
    crossing.call("verify").require(DONE)
    csv = place / "latency.csv"
    csv.write_text("\n".join(latency_lines(place / "ledger")) + "\n")
    return crossing, csv


@pytest.fixture(scope="module")
def page_file(story, scratch):
    crossing, csv = story
    path = scratch() / "report.html"
    crossing.call("report", "-o", str(path), "--latency", str(csv)).require(DONE)
    return path


def test_the_timeline_is_the_journal(story, page_file):
    crossing, _ = story
    rows = export(crossing)
    expected = expected_timeline(rows)
    assert len(expected) == 5 and [row[1:3] for row in expected].count(("shut", "shut")) == 2
    page = Page(page_file.read_text())
    assert page_timeline(page) == expected
    document = crossing.call("report", "--json").require(DONE).json()
    (store,) = document["stores"]
    assert [(s["from"], s["old"], s["new"], s["row"]) for s in store["timeline"]] == expected
    assert store["writes"] == "old" and document["verdict"] == "old"
    assert not any(s["old"] == s["new"] == "open" for s in store["timeline"])


def test_windows_are_those_that_run_said(story, page_file):
    crossing, _ = story
    said = {row["attempt"]: row["detail"] for row in export(crossing)
            if row["kind"] == "verdict" and row["detail"]["attempts"] > 0}
    document = crossing.call("report", "--json").require(DONE).json()
    attempts = {attempt["attempt"]: attempt for attempt in document["attempts"]}
    assert set(attempts) == set(said) == {1, 2}
    lags = {row["attempt"]: row["detail"]["lag_bytes"] for row in export(crossing) if row["kind"] == "intent"}
    for number, attempt in attempts.items():
        assert 0 <= lags[number] == attempt["lag_bytes"] == said[number]["lag_bytes"] <= 16 << 20
    for number, attempt in attempts.items():
        assert attempt["end"] == "done" == said[number]["verdict"]
        assert attempt["window_ms"] == pytest.approx(said[number]["stall_ms"]["window"], abs=0.002)
        for name, ms in said[number]["stall_ms"]["parts"].items():
            if name != "drain":
                assert attempt["parts"][name] == pytest.approx(ms, abs=0.002), name
    assert f'Attempt 2, wave {attempts[2]["wave"]}, new \u2192 old' in Page(page_file.read_text()).text


def test_the_page_stands_alone_and_nothing_in_it_acts(page_file):
    page = Page(page_file.read_text())
    assert {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "form", "base"} == set()
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert attributes.get("href", "#").startswith("#")
    assert len(page.ids) == len(set(page.ids))
    assert all(attributes["href"][1:] in page.ids for tag, attributes in page.elements if tag == "a")
    assert "<script>x()</script>" in page.text  # said, as text
    assert "\x1b" not in page_file.read_text()


def test_what_clients_felt_is_drawn_and_compared_with_the_budget(story, page_file):
    crossing, csv = story
    document = crossing.call("report", "--json", "--latency", str(csv)).require(DONE).json()
    windows = document["latency"]["windows"]
    assert [w["attempt"] for w in windows] == [1, 2] and all(w["requests"] > 50 for w in windows)
    longest = max(float(line.split(",")[1]) for line in csv.read_text().splitlines()[1:])
    assert 0 < max(w["stall_ms"] for w in windows) <= longest
    page = Page(page_file.read_text())
    assert sum(tag == "svg" for tag, _ in page.elements) == 3  # the waves, and a plot for each window
    assert "Nothing was measured by clients" not in page.text
    bare = crossing.call("report", "-o", "-").require(DONE).out
    assert "Nothing was measured by clients" in Page(bare).text


def test_only_a_report_is_replaced(story, page_file, scratch):
    crossing, _ = story
    crossing.call("report", "-o", str(page_file)).require(DONE)
    assert "Nothing was measured by clients" in page_file.read_text()
    other = scratch() / "notes.html"
    other.write_text("mine")
    refused = crossing.call("report", "-o", str(other))
    assert refused.code == 3 and "not overwritten" in refused.err and other.read_text() == "mine"
    assert list(other.parent.iterdir()) == [other]


def test_a_changed_journal_is_said_first(story, scratch):
    crossing, _ = story
    copy = scratch() / "state"
    shutil.copytree(crossing.state, copy)
    with sqlite3.connect(copy / "journal.sqlite") as database:
        database.execute("UPDATE entry SET text = text || '.' WHERE seq = 3")
    database.close()
    document = crossing.call("report", "--json", state=copy).require(DONE).json()
    assert document["verdict"] == "unsound" and document["record"]["bad_seq"] == 3
    assert "may not be what happened" in crossing.call("report", "-o", "-", state=copy).out


@pytest.mark.long
def test_a_browser_shows_it(story, page_file):
    """In Chromium, at two widths, light and dark: no page that scrolls sideways, nothing cut off, text
    that can be told from what it stands on, and the same facts."""
    assert CHROMIUM, "chromium is not installed: tools/setup --long"
    crossing, csv = story
    crossing.call("report", "-o", str(page_file), "--latency", str(csv)).require(DONE)
    expected = expected_timeline(export(crossing))
    for width in (400, 1280):
        for dark in (False, True):
            seen = look(page_file, width, dark)
            assert seen["width"] == width and seen["overflow"] == 0, seen
            assert [tuple(row) for row in seen["timeline"]] == expected
            assert seen["contrast"] >= 4.5, seen
            assert seen["requests"] == []
