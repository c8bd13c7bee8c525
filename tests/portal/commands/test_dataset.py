"""`licet dataset`: what describe prints may be appended as it is, and what goes wrong never lands in licet.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.settings import load
from portal.commands.dataset import describe
from tests.portal.commands.conftest import TREES, Licet


def test_a_file_below_the_folder_is_named_from_there_and_others_whole(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (home / "data").mkdir(parents=True)
    elsewhere.mkdir()
    for folder in (home / "data", elsewhere):
        (folder / "trees.csv").write_text(TREES)
    assert 'location = "data/trees.csv"\n' in describe(home / "data" / "trees.csv", "", home)
    assert f'location = "{elsewhere}/trees.csv"\n' in describe(elsewhere / "trees.csv", "", home)


@pytest.mark.parametrize(
    ("file", "name", "header"),
    [
        ("Street Trees.csv", "", "street_trees"),
        ("2024.csv", "", "d_2024"),
        ("Größe.csv", "", "gr_e"),
        ("trees.csv", "city-trees", "city-trees"),
    ],
)
def test_the_id_is_one_that_settings_take(tmp_path: Path, file: str, name: str, header: str) -> None:
    (tmp_path / file).write_text(TREES)
    (tmp_path / "licet.toml").write_text(f'profile = "test"\n{describe(tmp_path / file, name, tmp_path)}')
    assert list(load(tmp_path / "licet.toml", {}).datasets) == [header]


def test_an_id_that_settings_do_not_take_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trees.csv").write_text(TREES)
    with pytest.raises(Misconfigured, match="Use lower-case letters"):
        describe(tmp_path / "trees.csv", "City Trees", tmp_path)


def test_what_goes_wrong_is_not_said_where_the_section_would_be(folder: Path, licet: Licet) -> None:
    twice = licet(folder, "dataset", "describe", "trees.csv")
    said = "dataset trees is in licet.toml already. Edit it there, or give another id with --name.\n"
    assert (twice.returncode, twice.stdout, twice.stderr) == (2, "", said)
    absent = licet(folder, "dataset", "describe", "absent.csv")
    assert (absent.returncode, absent.stdout, absent.stderr) == (2, "", f"file absent.csv is not in {folder}. Check its name and folder.\n")
    again = licet(folder, "dataset", "describe", "trees.csv", "--name", "more_trees")
    assert (again.returncode, again.stderr) == (0, "")
    with (folder / "licet.toml").open("a") as settings:
        settings.write(again.stdout)
    assert list(load(folder / "licet.toml", {}).datasets) == ["trees", "more_trees"]


def test_refresh_says_the_version_or_what_stands_in_its_way(folder: Path, licet: Licet) -> None:
    first = licet(folder, "dataset", "refresh", "trees")
    assert (first.returncode, first.stdout[:27]) == (0, "trees is now at version v1-")
    (folder / "trees.csv").write_text(TREES + "4,elm,tall\n")
    second = licet(folder, "dataset", "refresh", "trees")
    assert (second.returncode, second.stdout) == (2, "") and second.stderr.startswith("dataset trees cannot be loaded: Conversion Error: ")
    third = licet(folder, "dataset", "refresh", "shrubs")
    assert (third.returncode, third.stderr) == (1, "The settings have no dataset 'shrubs'.\n")
