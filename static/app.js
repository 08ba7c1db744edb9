// Comfort only: every page works without this file. Listeners sit on the document, so swapped parts need no set-up.
(() => {
  const find = (selector) => document.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Where tabs are wider than the screen, the current one is in sight.
  for (const here of all("main nav [aria-current]")) {
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
    if (dismiss) dismiss.closest(dismiss.dataset.dismiss).remove();
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
    for (const output of all("[data-ticked-count]", form)) output.value = ticked;
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
  });

  // A refused form is read from its first mistake on.
  function focusError(root) {
    root.querySelector("[aria-invalid]")?.focus();
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
  document.addEventListener("htmx:afterSettle", (event) => {
    countAll();
    if (event.detail.xhr?.status === 422) focusError(event.target);
  });
})();
