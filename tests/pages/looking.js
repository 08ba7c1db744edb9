// Looks at the page it was put into, and says in sentences what would keep somebody out; `window.looking` has the ways.
(() => {
  const sentence = (words, part) => `${words}: ${part.outerHTML.replace(/\s+/g, " ").slice(0, 150)}`;
  const reachable = () => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const isStop = (part) => part.tabIndex >= 0 && !part.disabled && part.checkVisibility({ visibilityProperty: true });

  // Of many rows that are like each other it looks at the first eight.
  async function axe(only) {
    const options = only.length ? { runOnly: only } : { rules: { "target-size": { enabled: true } } };
    const rest = "main :is(tr, li, option, .mapping-row, .notice-row):nth-child(n + 9)";
    const found = await window.axe.run({ exclude: rest }, { resultTypes: ["violations"], ...options });
    return found.violations.map((one) => `${one.id}: ${one.nodes[0].html} ${one.nodes[0].failureSummary}`);
  }

  // Fits: as it is, and with the spacing that WCAG 1.4.12 names, with which a wide table on a desk may be scrolled to.
  function fit() {
    const said = [];
    const hasWords = (part) => [...part.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.data.trim());
    const parts = [...document.querySelectorAll("body *")].filter((part) => part.clientWidth > 1 && hasWords(part));
    const isTooSmall = (part) => part.scrollWidth > part.clientWidth + 2 || part.scrollHeight > part.clientHeight + 2;
    const isCut = (part) => isTooSmall(part) && !part.title && ["hidden", "clip"].includes(getComputedStyle(part).overflowX);
    const measure = (how) => {
      const over = document.documentElement.scrollWidth - innerWidth;
      if (over > 0) said.push(`is wider than the screen by ${over} px${how}`);
    };
    const isTight = (part) => part.clientWidth > 1 && part.scrollWidth > part.clientWidth + 2 && part.checkVisibility();
    const tight = () => [...document.querySelectorAll("a, button, summary")].filter((part) => isTight(part) && !part.querySelector(".count"));
    measure("");
    for (const part of tight()) said.push(sentence("has words that stick out", part));
    const before = new Set(parts.filter(isCut));
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
      * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
      p { margin-bottom: 2em !important }
    `);
    document.adoptedStyleSheets = [sheet];
    if (innerWidth < 1200) measure(" with wide-set letters");
    for (const part of tight()) said.push(sentence("has wide-set words that stick out", part));
    for (const part of parts) {
      if (!before.has(part) && isCut(part)) said.push(sentence("wide-set letters are cut off", part));
    }
    document.adoptedStyleSheets = [];
    return said;
  }

  // Gives every stop of the Tab key the focus, and looks at it.
  function stops() {
    const said = [];
    const say = (words, part) => said.push(sentence(words, part));
    for (const part of reachable()) if (part.tabIndex > 0) say("is out of the order of the page", part);
    for (const part of document.querySelectorAll("dialog, [role$=dialog], [aria-modal], [popover], [hx-confirm]")) {
      say("is a dialog; what must be confirmed has a page of its own, which keeps and returns the focus by itself", part);
    }
    const found = reachable().filter(isStop);
    if (document.querySelector("main#main") && !found[0].matches(".skip-link")) say("comes before the link past the menu", found[0]);
    for (const part of found) {
      document.activeElement.blur();
      const before = drawing(part);
      part.focus({ focusVisible: true });
      if (document.activeElement !== part) say("takes no focus", part);
      else for (const words of wrongs(part, before)) say(words, part);
    }
    document.activeElement.blur();
    scrollTo(0, 0);
    return said;
  }

  function* wrongs(part, before) {
    const labels = [...part.labels ?? []].map((label) => label.textContent);
    const names = [part.getAttribute("aria-label"), part.textContent, part.title, part.value, ...labels];
    const box = part.getClientRects()[0] ?? part.getBoundingClientRect();
    if (!names.some((words) => words?.trim())) yield "has no name";
    if (drawing(part) === before) yield "looks the same with the focus";
    const seen = onScreen(box);
    const isAside = box.left < -1 || box.right > innerWidth + 1;
    if (isAside || seen.height < Math.min(box.height, innerHeight / 2) - 1) yield "has the focus outside of the screen";
    const points = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.2], [0.1, 0.8], [0.9, 0.8]];
    const hits = points.map(([x, y]) => document.elementFromPoint(seen.x + x * seen.width, seen.y + y * seen.height));
    if (!hits.some((hit) => hit && (part.contains(hit) || hit.contains(part)))) yield "has the focus under something else";
    if (isRingCut(part, box)) yield "has a ring that is cut off";
  }

  // What of a box the screen shows: all of it, unless it is taller than the screen.
  function onScreen(box) {
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    return new DOMRect(box.left, top, box.width, Math.max(bottom - top, 0));
  }

  function drawing(part) {
    const style = getComputedStyle(part);
    return [style.outlineStyle, style.outlineWidth, style.boxShadow, style.borderColor, style.backgroundColor].join();
  }

  // Whether a box around it that scrolls or hides leaves no more of the ring than one side or two.
  function isRingCut(part, box) {
    const ring = getComputedStyle(part);
    const room = parseFloat(ring.outlineOffset) + parseFloat(ring.outlineWidth) - 1;
    for (let place = part.parentElement; place !== document.body && place; place = place.parentElement) {
      if (getComputedStyle(place).overflow === "visible") continue;
      const frame = place.getBoundingClientRect();
      const sides = [frame.left - box.left, frame.top - box.top, box.right - frame.right, box.bottom - frame.bottom];
      if (sides.filter((by) => by + room > 0).length > 1) return true;
    }
    return false;
  }

  // Before the keys: notes what gets the focus from now on, and says how often Tab must be pressed to come round.
  function begin() {
    const met = [];
    document.addEventListener("focusin", (event) => met.push(event.target));
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
    met.length = 0;
    const found = reachable().filter(isStop);
    looking.walk = { found, met };
    const inner = { date: 4, "datetime-local": 7, time: 3, month: 3 };
    return found.reduce((sum, part) => sum + 1 + (inner[part.type] ?? 0), 1);
  }

  // After the keys: what was not met, was met without being a stop, or came too early.
  function end() {
    const said = [];
    const { found, met } = looking.walk;
    const there = met.filter((part) => part.isConnected);
    for (const part of found) {
      if (part.isConnected && part.type !== "radio" && !there.includes(part)) said.push(sentence("is never reached", part));
    }
    for (const part of new Set(there)) if (!found.includes(part)) said.push(sentence("is reached and is no stop", part));
    for (const [index, part] of there.entries()) {
      const next = there[index + 1];
      if (!next || next === there[0]) break;
      if (!(part.compareDocumentPosition(next) & Node.DOCUMENT_POSITION_FOLLOWING)) said.push(sentence("leads back", part));
    }
    return said;
  }

  const looking = { axe, fit, stops, begin, end };
  window.looking = looking;
})();
