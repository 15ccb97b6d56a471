// What e2e/looking.py asks of a page. Every question answers with a list of sentences, empty if
// nothing is wrong.
window.looking = (() => {
  const TOUCHED =
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [tabindex]";
  const NATIVE = "a, button, input, select, textarea, summary";
  const UNTOUCHED = "svg, script, style, code, pre, .mono, .code, .num, .ltr, bdi, textarea, option";

  const named = (it) => it.outerHTML.replace(/\s+/g, " ").slice(0, 130);

  // Whatever can be pressed, chosen or typed into, and is there to be seen.
  const touched = () =>
    [...document.querySelectorAll(TOUCHED)].filter(
      (it) =>
        it.checkVisibility({ visibilityProperty: true }) &&
        !it.disabled &&
        !it.closest("[inert]") &&
        it.getBoundingClientRect().width > 0,
    );

  async function axe_(tags) {
    const options = {
      runOnly: { type: "tag", values: tags },
      resultTypes: ["violations"],
      preload: false,
    };
    const found = await axe.run(options);
    // What lies under a bar at the page's edge is judged where one scrolls it to.
    for (const rule of found.violations.filter((each) => each.id === "target-size")) {
      const small = [];
      for (const node of rule.nodes) {
        const it = document.querySelector(node.target.at(-1));
        it?.scrollIntoView({ block: "center" });
        const only = { ...options, runOnly: { type: "rule", values: [rule.id] } };
        const again = it ? await axe.run(it, only) : { violations: [rule] };
        if (again.violations.length) small.push(node);
      }
      rule.nodes = small;
    }
    scrollTo(0, 0);
    return found.violations.flatMap((rule) =>
      rule.nodes.map((node) => {
        const why = [...node.any, ...node.all, ...node.none].map((check) => check.message);
        return `axe ${rule.id}: ${node.html.slice(0, 160)} ${why.join(" ").slice(0, 200)}`;
      }),
    );
  }

  // A link in a sentence is as big as its words (WCAG 2.5.8, inline).
  function inSentence(it) {
    if (!it.matches("a, summary") || !getComputedStyle(it).display.startsWith("inline")) return false;
    const block = it.closest("p, li, dd, dt, h1, h2, h3, small, figcaption, label, blockquote");
    return Boolean(block) && block.innerText.trim().length > it.innerText.trim().length + 1;
  }

  // A finger needs `least` px; a link in a row of a table has 24 at least.
  function targets(least) {
    const wrong = [];
    for (const it of touched()) {
      const label = it.closest("label");
      if (!label && (it.matches(".skip, .hide") || !it.matches(NATIVE))) continue;
      const box = it.matches("input, select, textarea")
        ? it.closest(".box, .readout, .slot-in, .window")
        : null;
      const { width, height } = (label ?? box ?? it).getBoundingClientRect();
      const wanted = it.tagName === "A" && it.closest("td, th") ? 24 : least;
      if (Math.min(width, height) < wanted - 0.5 && !inSentence(it))
        wrong.push(`target ${Math.round(width)} x ${Math.round(height)}, not ${wanted}: ${named(it)}`);
    }
    return wrong;
  }

  const SEEN = ["outlineStyle", "outlineWidth", "boxShadow", "backgroundColor", "borderColor",
    "visibility", "textDecoration", "insetBlockStart", "opacity"];

  // How a thing, its label and what stands around it look.
  function look(it) {
    const label = it.labels?.[0];
    const near = [it, it.nextElementSibling, label, label?.querySelector("span")];
    for (let up = it.parentElement, n = 0; up && n < 3; up = up.parentElement, n++) near.push(up);
    if (it.form) near.push(...it.form.querySelectorAll("pin-dots, pin-dots *, .caret"));
    return near
      .filter(Boolean)
      .map((each) => SEEN.map((name) => getComputedStyle(each)[name]).join())
      .join("|");
  }

  // Every one of them takes the focus from the keyboard, and is seen to have it.
  function focus() {
    const wrong = [];
    const had = document.activeElement;
    for (const it of touched()) {
      if (it.tabIndex < 0) {
        if (it.matches(NATIVE) && !it.closest("[aria-hidden=true]")) wrong.push(`out of the keyboard's reach: ${named(it)}`);
        continue;
      }
      document.activeElement?.blur();
      const before = look(it);
      it.focus({ focusVisible: true, preventScroll: true });
      if (document.activeElement !== it) wrong.push(`takes no focus: ${named(it)}`);
      else if (look(it) === before) wrong.push(`focus is not seen: ${named(it)}`);
    }
    had?.focus?.();
    return wrong;
  }

  // What sticks out of the side, the outermost of it.
  function sideways() {
    const root = document.documentElement;
    const wide = root.clientWidth;
    if (root.scrollWidth <= wide) return [];
    const out = [...document.querySelectorAll("body *")].filter((it) => {
      const { left, right, width } = it.getBoundingClientRect();
      return width && (right > wide + 1 || left < -1) && it.checkVisibility();
    });
    const outermost = out.filter((it) => !out.some((other) => other !== it && other.contains(it)));
    const who = outermost.slice(0, 3).map(named).join(" ; ");
    return [`${root.scrollWidth - wide} px too wide at ${wide}: ${who}`];
  }

  // Every text two fifths longer, as another language may want it.
  function lengthen() {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walk.nextNode()) texts.push(walk.currentNode);
    for (const text of texts) {
      const words = text.data.trim();
      if (!/\p{L}{2}/u.test(words) || text.parentElement.closest(UNTOUCHED)) continue;
      text.data = `${text.data.trimEnd()} ${words.slice(0, Math.ceil(words.length * 0.4))} `;
    }
  }

  const tabs = { wanted: [], reached: new Set() };

  // How many things Tab should come to; one of a group of radios stands for all.
  function expectTabs() {
    const groups = new Set();
    tabs.wanted = touched().filter((it) => {
      if (it.tabIndex < 0) return false;
      if (it.type !== "radio") return true;
      const isFirst = !groups.has(it.name);
      groups.add(it.name);
      return isFirst;
    });
    tabs.reached = new Set();
    document.activeElement?.blur();
    // A date is one thing with a stop for day, month, year and calendar, a time for hours and minutes.
    const more = tabs.wanted.filter((it) => /^(date|time|datetime-local|month|week)$/.test(it.type));
    return tabs.wanted.length + 5 * more.length;
  }

  function tabbed() {
    tabs.reached.add(document.activeElement);
  }

  function unreached() {
    const radios = new Set([...tabs.reached].filter((it) => it.type === "radio").map((it) => it.name));
    return tabs.wanted
      .filter((it) => it.isConnected && !tabs.reached.has(it) && !(it.type === "radio" && radios.has(it.name)))
      .map((it) => `Tab never comes to ${named(it)}`);
  }

  return { axe: axe_, targets, focus, sideways, lengthen, expectTabs, tabbed, unreached };
})();
