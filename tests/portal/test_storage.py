from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from portal.home import ROOT
from portal.storage import FaceStorage, join, tidy

SHEETS = {
    "css/face.css": '/* list */\n@import url("one.css");\n@import url("parts/two.css");\n',
    "css/one.css": "/* one */\n.one {\n  color: red;\n}\n",
    "css/parts/two.css": '.two {\n  background: url("../../img/dot.svg");\n}\n',
}


@pytest.fixture
def paths(tmp_path):
    source = FileSystemStorage(tmp_path)
    for name, text in SHEETS.items():
        source.save(name, ContentFile(text.encode()))
    return {name: (source, name) for name in SHEETS}


def test_a_face_becomes_one_sheet_in_the_order_of_its_list(paths):
    pieces: set[str] = set()
    joined = join("css/face.css", paths, pieces)
    assert joined == '.one {\ncolor: red;\n}\n.two {\nbackground: url("../img/dot.svg");\n}\n'
    assert pieces == {"css/one.css", "css/parts/two.css"}


def test_comments_go_and_strings_stay():
    assert tidy('a { /* x */ content: "•"; }\n\n\n  b {}') == 'a {  content: "•"; }\nb {}\n'


def test_collected_faces_are_whole_hashed_and_compressed(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path
    source = FileSystemStorage(ROOT / "static")
    storage = FaceStorage(location=tmp_path)
    names = [
        str(file.relative_to(ROOT / "static"))
        for file in (ROOT / "static").rglob("*")
        if file.is_file()
    ]
    for name in names:
        with source.open(name) as file:
            StaticFilesStorage.save(storage, name, file)
    done = list(storage.post_process({name: (source, name) for name in names}))
    assert not [error for _, _, error in done if isinstance(error, Exception)]
    sheets = sorted((tmp_path / "css").rglob("*.css"))
    assert {re.sub(r"\.\w{12}\.css$", "", file.name) for file in sheets} == {
        "card",
        "dark",
        "manage",
        "site",
        "till",
    }
    for file in sheets:
        text = file.read_text()
        assert "@import" not in text
        assert "/*" not in text
        assert file.with_name(f"{file.name}.gz").stat().st_size < 10_000
    assert not list(tmp_path.glob("css/components/*"))
