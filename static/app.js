// Comfort only: every page works without this file. Listeners sit on the document, so swapped parts need no set-up.
(() => {
  const find = (selector) => document.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Where tabs are wider than the screen, the current one is in sight; of several the first.
  for (const here of all("main nav [aria-current]").reverse()) {
    const bar = here.closest("nav");
    bar.scrollLeft = here.offsetLeft - bar.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
  }

  // "/" goes to the search box, Escape closes menus.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus();
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = find("#search");
    if (!search) return;
    event.preventDefault();
    search.select();
  });

  // A menu closes when something else is clicked.
  function closeMenus(except) {
    for (const menu of all("details.menu[open]")) {
      if (menu.contains(except)) continue;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  }

  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    const copy = event.target.closest("[data-copy]");
    if (copy) copyText(copy);
    const reveal = event.target.closest("[data-reveal]");
    if (reveal) show(reveal, reveal.getAttribute("aria-pressed") !== "true");
    const dismiss = event.target.closest("[data-dismiss]");
    if (!dismiss) return;
    holdFocus();
    dismiss.closest(dismiss.dataset.dismiss).remove();
    passFocus();
  });

  // A menu that the focus has left would lie over what has it now.
  // Where tabs or chips are wider than the screen, the keys bring the one that has the focus into sight.
  document.addEventListener("focusin", ({ target }) => {
    closeMenus(target);
    if (target.matches("main nav a:focus-visible")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  // What is typed into a password field can be looked at; it is hidden again before it is sent, or it would be kept.
  function show(button, isShown) {
    find(`#${button.dataset.reveal}`).type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", isShown);
  }
  document.addEventListener("submit", (event) => all("[data-reveal]", event.target).forEach((button) => show(button, false)), true);

  async function copyText(button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.getAttribute("aria-label");
    button.classList.add("copied");
    button.setAttribute("aria-label", button.dataset.copied);
    setTimeout(() => {
      button.classList.remove("copied");
      button.setAttribute("aria-label", label);
    }, 1500);
  }

  // Ticking rows: [data-tick-all] ticks every [data-tick] of its form, the bar says how many.
  function countTicks(form) {
    const ticks = all("[data-tick]", form);
    const ticked = ticks.filter((tick) => tick.checked).length;
    for (const output of all("[data-ticked-count]", form)) if (output.value !== `${ticked}`) output.value = ticked;
    for (const bar of all("[data-ticked-bar]", form)) bar.classList.toggle("is-idle", ticked === 0);
    for (const box of all("[data-tick-all]", form)) {
      box.checked = ticked > 0 && ticked === ticks.length;
      box.indeterminate = ticked > 0 && ticked < ticks.length;
    }
  }

  const countAll = () => new Set(all("[data-tick], [data-ticked-bar]").map((part) => part.closest("form"))).forEach((form) => form && countTicks(form));

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-auto-submit]")) box.form.requestSubmit();
    if (!box.matches("[data-tick], [data-tick-all]") || !box.form) return;
    if (box.matches("[data-tick-all]")) for (const tick of all("[data-tick]", box.form)) tick.checked = box.checked;
    countTicks(box.form);
  });

  // A plain form is sent once: its button waits until the next page is there.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented || event.target.method !== "post") return;
    button.classList.add("is-busy");
    setTimeout(() => { button.disabled = true; });
  });
  window.addEventListener("pageshow", () => {
    for (const button of all(".is-busy")) {
      button.classList.remove("is-busy");
      button.disabled = false;
    }
    countAll();
    focusError(document);
    // What came with the page is put where it stands once more, so that it is read out.
    const flash = find("#flash");
    flash?.append(...flash.children);
  });

  // A refused form is read from its first mistake on; of choices, which cannot be invalid themselves, the group is.
  function focusError(root) {
    root.querySelector("[aria-invalid], [data-refused] input")?.focus();
  }

  // A part that was replaced while it asked has no use for the answer: the rows it speaks of are gone from the page.
  const unlessGone = (event) => {
    if (!event.currentTarget.isConnected) event.detail.shouldSwap = false;
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    event.detail.elt.addEventListener("htmx:beforeSwap", unlessGone, { once: true });
  });

  // Errors of our own making arrive as a message for #flash; the status would keep htmx from showing them.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.getResponseHeader("HX-Retarget") === "#flash") event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:sendError", () => {
    const flash = find("#flash");
    if (!flash) return;
    const words = document.createElement("p");
    words.textContent = flash.dataset.offline;
    const notice = document.createElement("div");
    notice.className = "notice notice-danger";
    notice.append(words);
    flash.replaceChildren(notice);
  });

  // What is replaced while it has the focus passes it on: to its like, to the first thing in its row or in the next
  // one, at last to the content. A button that waits for its answer has lost the focus as well, so it is held from then.
  const like = (part) => [part.tagName, part.name, part.getAttribute("aria-label"), part.matches("a, button, summary") && part.textContent.trim()].join();
  const stopsIn = (place) => all("a[href], button, input, select, textarea, summary", place).filter((part) => part.tabIndex >= 0 && !part.disabled && part.checkVisibility());
  let held;
  function holdFocus() {
    const part = document.activeElement;
    if (!part || part === document.body) return;
    const near = [];
    for (let place = part; place && place.id !== "main"; place = place.parentElement) {
      if (place.id) near.push(place, place.nextElementSibling, place.previousElementSibling);
    }
    held = { part, like: like(part), near: near.map((place) => place?.id).filter(Boolean) };
  }
  function passFocus() {
    if (!held || held.part.isConnected && held.part.disabled) return;
    const { part, near } = held;
    const isLost = !document.activeElement || document.activeElement === document.body;
    const places = near.map((id) => document.getElementById(id)).filter(Boolean).map(stopsIn);
    const nearest = places.find((stops) => stops.length) ?? [];
    const next = part.isConnected ? part : nearest.find((stop) => like(stop) === held.like) ?? nearest[0] ?? find("#main");
    held = null;
    if (isLost) next?.focus({ preventScroll: true });
  }
  document.addEventListener("htmx:beforeRequest", holdFocus);
  document.addEventListener("htmx:beforeSwap", holdFocus);
  document.addEventListener("htmx:afterSwap", (event) => event.detail.xhr?.status === 422 || passFocus());
  document.addEventListener("htmx:afterRequest", () => held?.part.isConnected && passFocus());

  // A table without links that is wider than its place is scrolled by keys.
  function reachTables() {
    for (const wrap of all(".table-wrap")) {
      if (wrap.scrollWidth > wrap.clientWidth && !stopsIn(wrap).length) wrap.tabIndex = 0;
      else wrap.removeAttribute("tabindex");
    }
  }
  window.addEventListener("resize", reachTables);
  reachTables();

  // What changes by itself is read out once: the words of a part with [data-told], unless they stood there before.
  const told = new Map();
  let standing = [];
  function news() {
    const now = new Map();
    for (const part of all("[data-told]")) {
      const { told: key, toldAs: words = part.textContent.trim().replace(/\s+/g, " ") } = part.dataset;
      if (!now.has(key)) now.set(key, words);
    }
    const changed = [...now].filter(([key, words]) => told.get(key) !== words && !standing.includes(words));
    for (const [key, words] of now) told.set(key, words);
    standing = [...now.values()];
    return changed.map(([, words]) => words);
  }
  function tell(words) {
    if (words.length) find("#told").textContent = words.join(" ");
  }
  news();

  document.addEventListener("htmx:afterSettle", (event) => {
    countAll();
    if (event.detail.xhr?.status === 422) focusError(event.target);
    passFocus();
    reachTables();
    tell(news());
  });
})();
