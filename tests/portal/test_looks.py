"""Rules of the front end that a reader of one file cannot see."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from loyalty.demo import SHOPS
from portal import styleguide
from portal.home import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# A mail has no policy and no style sheet that every reader would fetch.
PAGES = [file for file in TEMPLATES if "emails" not in file.parts]
SHEETS = sorted((ROOT / "static/css").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))
SPRITE = (ROOT / "static/icons.svg").read_text()


def named(file) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("file", PAGES, ids=named)
def test_a_template_has_nothing_that_the_policy_would_stop(file):
    text = file.read_text()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|js:", text)
    assert not re.search(r'hx-trigger="[^"]*\[', text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert all("type=" in tag for tag in re.findall(r"<button[^>]*>", text))


@pytest.mark.parametrize("file", TEMPLATES, ids=named)
def test_a_fragment_is_the_element_of_its_name(file):
    text = file.read_text()
    for name in re.findall(r"{% partialdef (\w+)", text):
        assert f'id="{name}"' in text


@pytest.mark.parametrize("file", TEMPLATES, ids=named)
def test_what_htmx_sends_a_browser_without_it_sends_too(file):
    for form in re.findall(r"<form[^>]*hx-(?:post|get)[^>]*>", file.read_text()):
        assert "action=" in form
    for link in re.findall(r"<a [^>]*hx-get[^>]*>", file.read_text()):
        assert "href=" in link


@pytest.mark.parametrize("file", TEMPLATES, ids=named)
def test_every_icon_is_in_the_sprite(file):
    for name in re.findall(r'{% (?:icon|drawn) "([a-z-]+)"', file.read_text()):
        assert f'<symbol id="{name}"' in SPRITE


@pytest.mark.parametrize("file", SHEETS, ids=named)
def test_a_sheet_runs_in_both_directions(file):
    text = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
    side = "(?:left|right|top|bottom)"
    assert not re.search(rf"\b(?:margin|padding|border|(?<!area-)inset)-{side}", text)
    assert not re.search(rf"[;{{]\s*(?:{side}|width|height)\s*:|text-align:\s*{side}", text)


@pytest.mark.parametrize("file", SHEETS, ids=named)
def test_a_sheet_has_a_layer(file):
    rules = re.sub(
        r"/\*.*?\*/|@import[^;]*;|@(?:font-face|page)[\w\s]*{[^}]*}",
        "",
        file.read_text(),
        flags=re.DOTALL,
    )
    assert not rules.strip() or rules.strip().startswith("@layer")


@pytest.mark.parametrize("file", SCRIPTS, ids=named)
def test_a_script_needs_no_eval_and_keeps_no_listener(file):
    text = file.read_text()
    assert not re.search(
        r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", text
    )
    if "extends HTMLElement" in text:
        assert text.count("addEventListener(") == text.count("removeEventListener(")
        assert f'customElements.define("{file.stem}"' in text


def test_what_we_carry_of_others_is_what_we_looked_at():
    script = ROOT / "script/vendor.py"
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0


def test_the_demos_shops_have_marks_that_are_drawn():
    assert [f'id="{shop.icon}"' in SPRITE for shop in SHOPS] == [True, True]


COMPONENTS = styleguide.components()


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_a_component_tells_what_it_is_for_and_has_a_section_of_the_style_guide(component):
    assert len(component.about) > 20
    assert (ROOT / "templates" / component.section).exists(), "every state of it belongs there"


def test_no_section_shows_a_component_that_is_gone():
    shown = {file.stem for file in (ROOT / "templates/styleguide/sections").iterdir()}
    assert shown == {component.name for component in COMPONENTS}


def test_the_style_guide_links_every_component():
    linked = (ROOT / "static/css/styleguide.css").read_text()
    assert [c.name for c in COMPONENTS if f'"components/{c.name}.css"' not in linked] == []


def test_the_style_guide_shows_every_component_by_day_and_by_night(stranger):
    page = stranger.get("/styleguide/").content.decode()
    assert page.count('class="look by-day"') == page.count('class="look by-night"')
    assert page.count('class="look by-day"') == len(COMPONENTS) + 1  # and the tokens
    papers = stranger.get("/styleguide/papers.css").content.decode()
    assert ":root" not in papers
    assert ".by-night" in papers


def test_the_style_guide_is_for_development_only(stranger, settings):
    settings.OUTBOX = False
    for path in ("/styleguide/", "/styleguide/papers.css"):
        assert stranger.get(path).status_code == 404
