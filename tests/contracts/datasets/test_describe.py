"""A file's columns, and the settings proposed for it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from contracts.datasets.describe import columns_of, proposal
from contracts.errors import Misconfigured
from contracts.settings import DatasetSettings


def _csv(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "street-trees.csv"
    file.write_text(text)
    return file


def test_the_proposal_is_settings_that_load(tmp_path: Path) -> None:
    file = _csv(tmp_path, 'Species,Tree ID,planted at,"height ""m"""\nOak,7,2020-01-01,2.5\nOak,8,2021-02-03,3.5\n')
    section = tomllib.loads(proposal(file, "trees"))["datasets"]["trees"]
    dataset = DatasetSettings.model_validate(section)
    fields = {name: (field.type, field.field_class, field.column) for name, field in dataset.fields.items()}
    assert (dataset.key, dataset.time, dataset.location) == ("tree_id", "planted_at", str(file))
    assert fields == {
        "species": ("string", "personal", "Species"),
        "tree_id": ("integer", "key", "Tree ID"),
        "planted_at": ("date", "plain", "planted at"),
        "height_m": ("number", "personal", 'height "m"'),
    }


def test_a_file_without_a_key_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no column that identifies a record"):
        proposal(_csv(tmp_path, "a,b\n1,1\n1,2\n2,2\n"), "trees")


@pytest.mark.parametrize("name", ["absent.csv", "notes.txt"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        columns_of(tmp_path / name)
