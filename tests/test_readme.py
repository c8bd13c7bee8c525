"""README's commands: each is run by a test, which this table names; what a reader types as make is what those tests run."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

from tests.harness import readme

ROOT = Path(__file__).parents[1]

OWN = "tests/journeys/test_own_data.py::test_a_new_platform_reaches_a_signed_contract_over_its_own_file"
DEMO = "tests/journeys/test_demo.py::"
HERE = "tests/test_readme.py::"

# A command as README has it, in a block or within a sentence, and the tests that run it.
RUN_BY: dict[str, tuple[str, ...]] = {
    "make demo": (f"{DEMO}test_a_visitor_reaches_every_stop_by_what_the_tour_offers", f"{HERE}test_make_runs_what_the_tests_run"),
    ".venv/bin/licet demo code nora.whitfield@northfield.example": (f"{DEMO}test_a_person_of_the_demo_signs_in_by_hand",),
    ".venv/bin/licet demo scrape": (f"{DEMO}test_a_scraper_is_stopped_without_the_token_and_finishes_with_it",),
    ".venv/bin/licet demo tamper": (f"{DEMO}test_a_changed_byte_in_a_copy_of_the_ledger_is_named_while_the_ledger_itself_is_whole",),
    "RESET=1 make demo": (f"{DEMO}test_a_second_start_keeps_everything_and_is_ready_within_15_seconds",),
    "PORT=9000 make demo": (
        f"{DEMO}test_a_demo_keeps_to_its_port_and_takes_no_port_of_another",
        f"{HERE}test_make_runs_what_the_tests_run",
    ),
    "make test": (f"{HERE}test_make_runs_what_the_tests_run",),
    "make install": (f"{HERE}test_make_runs_what_the_tests_run",),
    'export PATH="$PWD/.venv/bin:$PATH"': (OWN,),
    "licet init": (OWN,),
    "licet init --port 8500": (OWN, "tests/portal/commands/test_init.py::test_a_trial_by_options_is_asked_nothing"),
    "licet administrator": ("tests/portal/commands/test_init.py::test_a_new_administrators_link_ends_the_one_before",),
    "licet dataset describe": (OWN, "tests/portal/commands/test_dataset.py::test_what_goes_wrong_is_not_said_where_the_section_would_be"),
    "licet dataset describe trees.csv >> licet.toml": (OWN,),
    "licet doctor": (OWN, "tests/portal/commands/test_doctor.py::test_one_broken_thing_is_one_finding"),
    "licet serve": (OWN,),
    "licet ledger verify": (OWN,),
    "licet dataset refresh trees": (OWN,),
    "licet login": ("tests/journeys/test_login.py::test_a_person_signs_in_allows_it_and_has_the_records_in_a_file",),
    "licet pull": ("tests/journeys/test_login.py::test_a_person_signs_in_allows_it_and_has_the_records_in_a_file",),
    "licet gate config nginx": ("tests/portal/commands/test_gate_config.py::test_the_command_writes_a_proxys_files_and_never_over_others",),
    "licet gate off": ("tests/portal/commands/test_gate.py::test_off_restores_shadow_and_says_so",),
}


def test_every_command_of_the_readme_is_run_by_a_test_that_exists() -> None:
    assert set(readme.commands()) | set(readme.inline()) == set(RUN_BY)
    named = {test for tests in RUN_BY.values() for test in tests}
    assert sorted(test for test in named if not _exists(test)) == []


def test_make_runs_what_the_tests_run() -> None:
    """`make` itself runs in continuous integration; here each target is held to the program that the journeys start."""
    assert _recipe("demo")[-1] == ".venv/bin/licet demo"
    assert _recipe("test")[-3:] == [
        "deploy/test-tools",
        ".venv/bin/python -m compileall -q contracts api portal",
        ".venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder",
    ]
    assert _recipe("install")[:-1] == _recipe("demo")[:-1]
    port = subprocess.run(
        ["make", "--no-print-directory", "-f", "-", "shown"],
        input="include Makefile\nshown:\n\t@echo $$PORT\n",
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PORT": "9000"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert port.stdout == "9000\n"


def _recipe(target: str) -> list[str]:
    """What a target would run in a fresh clone."""
    words = ["make", "--dry-run", "--always-make", "--no-print-directory", target]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def _exists(test: str) -> bool:
    file, _, function = test.partition("::")
    path = ROOT / file
    return path.exists() and any(isinstance(node, ast.FunctionDef) and node.name == function for node in ast.parse(path.read_text()).body)
