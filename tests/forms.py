"""The forms of a page and what a browser would send with them, read from its HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

PRESSED = ("submit", "image", "button", "reset")


@dataclass
class Field:
    name: str
    kind: str  # text, hidden, number, select, textarea, checkbox, radio, file …
    value: str = ""
    choices: list[str] = field(default_factory=list)


@dataclass
class Form:
    """`fields` by name, in the order of the page; a group of radios is one field with choices. What
    can be sent to two addresses is two forms with the same fields.
    """

    method: str
    action: str  # a path, with what stands in its query
    fields: dict[str, Field] = field(default_factory=dict)

    def sent(self) -> dict[str, str]:
        """What a browser sends if nobody touches anything."""
        kinds = ("checkbox", "radio", *PRESSED)
        left = {n: f for n, f in self.fields.items() if f.value or f.kind not in kinds}
        return {n: f.value or (f.choices or [""])[0] for n, f in left.items()}

    def filled(self, fillings: dict[str, str]) -> dict[str, str]:
        """What somebody sends who answers everything: what stands there already, a choice that is
        offered, or a filling by name or kind.
        """
        sent = {}
        for each in self.fields.values():
            filling = fillings.get(each.name) or fillings.get(each.kind) or "5"
            sent[each.name] = each.value or next((c for c in each.choices if c), filling)
        return sent


def forms_of(html: str, path: str) -> list[Form]:
    """Every form of the page at `path`."""
    return _read(html, path).forms


def queries_of(html: str, path: str) -> dict[str, dict[str, str]]:
    """The query parameters that links of the page know, by the path that they lead to."""
    return _read(html, path).queries


def _read(html: str, path: str) -> _Reader:
    reader = _Reader(path)
    reader.feed(html)
    reader.close()
    return reader


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.forms: list[Form] = []
        self.queries: dict[str, dict[str, str]] = {}
        self.by_id: dict[str, Form] = {}
        self.open: Form | None = None
        self.select: Field | None = None
        self.area: Field | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        for link in ("href", "hx-get"):
            if "?" in said.get(link, ""):
                self._link(said[link])
        if tag == "form":
            action = said.get("action") or said.get("hx-post") or said.get("hx-get") or self.path
            method = said.get("method", "get").lower()
            self.open = Form(method, urljoin(self.path, action))
            self.forms.append(self.open)
            self.by_id[said.get("id", "")] = self.open
            self._sent_elsewhere(self.open, said)
        elif tag == "option" and self.select:
            self.select.choices.append(said.get("value", ""))
            if "selected" in said:
                self.select.value = said.get("value", "")
        elif tag in ("input", "select", "textarea", "button"):
            self._field(tag, said)

    def _field(self, tag: str, said: dict[str, str]) -> None:
        kind = said.get("type", "submit" if tag == "button" else "text") if tag in (
            "input", "button"
        ) else tag  # fmt: skip
        form = self.by_id.get(said["form"]) if "form" in said else self.open
        if form is None or "disabled" in said:
            return
        self._sent_elsewhere(form, said)
        if not said.get("name"):
            return
        each = form.fields.setdefault(said["name"], Field(said["name"], kind))
        value = said.get("value", "on" if kind == "checkbox" else "")
        if kind in ("radio", "checkbox", *PRESSED):
            each.choices.append(value)
            if "checked" in said:
                each.value = value
        elif tag == "input":
            each.value = value
        elif tag == "select":
            self.select = each
        else:
            self.area = each

    def _sent_elsewhere(self, form: Form, said: dict[str, str]) -> None:
        """A key that sends the form to another address, or a field that sends it as it changes."""
        for name in ("formaction", "hx-post"):
            action = urljoin(self.path, said[name]) if said.get(name) else form.action
            if all(action != each.action for each in self.forms):
                self.forms.append(Form("post", action, form.fields))

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area.value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea" and self.area is not None:
            self.area.value = self.area.value.removeprefix("\n")
            self.area = None

    def _link(self, link: str) -> None:
        split = urlsplit(urljoin(self.path, link))
        if not split.netloc:
            told = dict(parse_qsl(split.query, keep_blank_values=True))
            self.queries.setdefault(split.path, {}).update(told)
