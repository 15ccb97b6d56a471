from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from portal.home import ROOT
from portal.storage import FaceStorage, face, join, join_scripts, tidy

# Bytes as sent. With two answers' headers and the theme (0.85 kB) a face keeps its budget.
OF_CUSTOMERS, OF_THE_TILL, OF_OTHERS = 4_350, 9_150, 10_000
CUSTOMERS = ("card", "join", "stamped", "shop", "live", "account")
DEVELOPMENT = "styleguide"

SHEETS = {
    "css/face.css": '/* list */\n@import url("one.css");\n@import url("parts/two.css");\n',
    "css/one.css": "/* one */\n.one {\n  color: red;\n}\n",
    "css/night.css": "/* by night */\n.one { color: blue; }\n",
    "css/whole.css": '@import url("tokens.css");\n@import url("night.css") (width > 9px);\n',
    "css/tokens.css": ":root {\n  --ink: black;\n  --fill: var(--ink);\n  --idle: 1px;\n}\n"
    "a {\n  color: var(--fill);\n}\n",
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
    assert joined == '.one{color:red}.two{background:url("../img/dot.svg")}\n'
    assert pieces == {"css/one.css", "css/parts/two.css"}


def test_comments_go_and_strings_stay():
    sheet = 'a { /* x */ content: " ; • "; }\n\n\n  b\n  &:hover,\n  c { margin: 0\n auto; }'
    assert tidy(sheet) == 'a{content:" ; • "}b &:hover,c{margin:0 auto}\n'


def test_a_face_keeps_the_tokens_that_it_uses_and_the_night_stays_a_sheet_of_its_own(paths):
    pieces: set[str] = set()
    told = face("css/whole.css", paths, pieces)
    assert ":root{--ink:black;--fill:var(--ink);}a{color:var(--fill)}" in told
    assert "@media (width > 9px){.one{color:blue}" in told
    assert pieces == {"css/tokens.css"}


def test_a_script_has_what_it_imports_in_it_and_keeps_the_names_apart(tmp_path):
    source = FileSystemStorage(tmp_path)
    told = {
        "js/face.js": '// list\nimport "./elements/one.js";\nimport "./elements/two.js";\n',
        "js/elements/one.js": "const at = 1;\n",
        "js/elements/two.js": "const at = 2;\n",
    }
    for name, text in told.items():
        source.save(name, ContentFile(text.encode()))
    joined = join_scripts("js/face.js", {name: (source, name) for name in told})
    assert joined == "// list\n{\nconst at = 1;\n}\n{\nconst at = 2;\n}\n"


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
    lists = {file.stem for file in (ROOT / "static/css").glob("*.css")}
    pieces = {"layers", "reset", "tokens", "fonts", "fonts-still", "scripts", "base", "helpers"}
    pieces.add("owner")  # the first lines of the owner's lists
    assert {re.sub(r"\.\w{12}\.css$", "", file.name) for file in sheets} == lists - pieces
    for file in sheets:
        text = file.read_text()
        assert "@import" not in text
        assert "/*" not in text
        assert file.with_name(f"{file.name}.br").stat().st_size < most(file.name), file.name
    assert not list(tmp_path.glob("css/components/*"))


def most(name: str) -> float:
    face = name.partition(".")[0]
    if face == DEVELOPMENT:
        return float("inf")
    return OF_CUSTOMERS if face in CUSTOMERS else OF_THE_TILL if face == "till" else OF_OTHERS
