// What a page does beyond links, forms and htmx. Everything here is an extra: pages work without it.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const stored = (name) => { try { return localStorage.getItem(name) ?? ""; } catch { return ""; } };
const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* No storage, no memory. */ } };

// --- new content: the page itself, then whatever htmx brings ---------------------------------------------------
function prepare(root) {
  announce(root);
  // What htmx brings may be the thing itself, not something around it.
  const all = (selector) => [...(root.matches?.(selector) ? [root] : []), ...$$(selector, root)];
  all("[data-toast]").forEach(startToast);
  all("form[data-upload]").forEach(startUpload);
  all("dialog[data-open]").forEach((dialog) => dialog.open || dialog.showModal());
  all("table.cards").forEach(keepRoles);
  all("[data-focus]")[0]?.focus();
}

// What a fragment that renews itself has to say: aloud only when its words change.
function announce(root) {
  const words = (root.dataset?.announce ? root : $("[data-announce]", root))?.dataset.announce;
  const place = $("#announced");
  if (words && place && place.textContent !== words) place.textContent = words;
}

// A table whose rows are laid out as cards stays a table for assistive technology in every browser.
function keepRoles(table) {
  const roles = { THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  table.setAttribute("role", "table");
  for (const part of $$("thead, tbody, tr, td", table)) part.setAttribute("role", roles[part.tagName]);
  for (const head of $$("th", table)) head.setAttribute("role", head.closest("thead") ? "columnheader" : "rowheader");
}

// --- toasts: ten seconds, and as long as somebody looks at them --------------------------------------------------
function startToast(toast) {
  let timer;
  const wait = () => { clearTimeout(timer); timer = setTimeout(() => toast.remove(), 10_000); };
  const hold = () => clearTimeout(timer);
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("pointerleave", wait);
  toast.addEventListener("focusout", wait);
  wait();
}

// --- upload: drop zone and progress -------------------------------------------------------------------------------
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

// A form[data-upload] with a file field, perhaps a .drop around it and a template[data-upload-progress]. The server
// answers {"location": url} or a redirect, or 422 with a fragment for the element that data-target names.
function startUpload(form) {
  const field = $("input[type=file]", form);
  const zone = $(".drop", form) ?? form;
  const send = () => field.files.length && upload(form, field.files[0]);
  field.addEventListener("change", send);
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer.files.length) { field.files = event.dataTransfer.files; send(); }
  });
}

function upload(form, file) {
  const target = $(form.dataset.target);
  const request = new XMLHttpRequest();
  const started = performance.now();
  target.replaceChildren($("template[data-upload-progress]", form).content.cloneNode(true));
  const say = (name, words) => { const place = $(`[data-upload-${name}]`, target); if (place) place.textContent = words; };
  say("name", file.name);
  $("[data-upload-cancel]", target)?.addEventListener("click", () => request.abort());
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const speed = loaded / Math.max(performance.now() - started, 1) * 1000;
    const bar = $("progress", target);
    if (bar) { bar.max = total; bar.value = loaded; }
    say("bytes", `${megabytes(loaded)} of ${megabytes(total)} MB`);
    say("percent", `${Math.floor(100 * loaded / total)} %`);
    say("rest", loaded < total
      ? `${megabytes(speed)} MB a second, about ${Math.max(1, Math.round((total - loaded) / speed))} s left`
      : "Reading the beginning of the file");
  });
  request.addEventListener("load", () => finishUpload(form, target, request));
  request.addEventListener("error", () => failUpload(form, target, "The connection was lost. Nothing was imported."));
  request.addEventListener("abort", () => failUpload(form, target, "The upload was cancelled. Nothing was imported."));
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", $("[name=csrfmiddlewaretoken]", form)?.value ?? "");
  request.send(new FormData(form));
}

function finishUpload(form, target, request) {
  if (request.status < 300) { location.assign(whereTo(request)); return; }
  if (request.status !== 422) { failUpload(form, target, `The server answered ${request.status}. Nothing was imported.`); return; }
  $("input[type=file]", form).value = "";
  target.innerHTML = request.responseText;
  window.htmx?.process(target);
  prepare(target);
}

// {"location": url}, or the page to which a redirect has led.
function whereTo(request) {
  const json = request.getResponseHeader("Content-Type")?.startsWith("application/json");
  return json ? JSON.parse(request.responseText).location : request.responseURL;
}

function failUpload(form, target, words) {
  const line = document.createElement("p");
  line.className = "note bad";
  line.setAttribute("role", "alert");
  line.textContent = words;
  $("input[type=file]", form).value = "";
  target.replaceChildren(line);
}

// --- focus: after a step it is on what came of it --------------------------------------------------------------------
// A form that was sent, here or on the page before, is a step. A link is not: there the browser begins at the top.
const session = (name, value) => { try { const old = sessionStorage.getItem(name); sessionStorage.setItem(name, value); return old ?? ""; } catch { return ""; } };
const HEADINGS = "h1, h2, h3";

function focusOn(root) {
  const place = $("[data-focus], [autofocus]:not(dialog *), [role=alert], [aria-invalid=true]", root) ?? $(HEADINGS, root) ?? (root.isConnected && root !== document ? root : null);
  if (!place) return;
  if (!place.matches("input, select, textarea, button, a[href], [tabindex]")) place.tabIndex = -1;
  place.focus({ preventScroll: place.matches("h1") });
}

document.addEventListener("submit", (event) => {
  if (event.target.method === "post" && !event.target.closest("[data-upload]")) session("step", "1");
});

// Where what had the focus was swapped away, the focus goes to what came instead, not to the top of the page.
let losing = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  session("step", "");
  losing = event.detail.target?.contains(document.activeElement) && document.activeElement !== document.body;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (losing && document.activeElement === document.body) focusOn(event.detail.elt.isConnected ? event.detail.elt : document);
  losing = false;
});

// --- clicks and changes, wherever they happen ---------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  for (const menu of $$("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
  const opener = at("[data-opens]");
  if (opener) { const menu = at("details[data-menu]"); if (menu) menu.open = false; $(`#${opener.dataset.opens}`)?.showModal(); }
  const closer = at("[data-close]");
  if (closer) {
    if (closer.dataset.close === "toast") closer.closest("[data-toast]").remove();
    else closer.closest("dialog").close();
  }
  const copier = at("[data-copy]");
  if (copier) copy(copier);
  // What is not possible yet says why beside it; it stays focusable and does nothing.
  if (at("[aria-disabled='true']")) { event.preventDefault(); event.stopImmediatePropagation(); }
  if (event.target.matches("dialog.dialog")) event.target.close();
}, true);

async function copy(button) {
  const source = $(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  const label = $("span", button) ?? button;
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 2000);
}

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.matches("[data-autosubmit]")) input.form.requestSubmit();
  if (input.matches("[data-keys-off]")) store("keys", input.checked ? "off" : "");
  if (input.matches("input[name=theme]")) chooseTheme(input.value);
  const rows = input.closest("table, form")?.querySelectorAll("input[data-row]") ?? [];
  if (input.matches("[data-select-all]")) for (const row of rows) row.checked = input.checked;
  if (input.matches("[data-select-all], [data-row]")) showSelection([...rows]);
});

// The bar appears with the first selected row, and says how many.
function showSelection(rows) {
  const count = rows.filter((row) => row.checked).length;
  const all = $("[data-select-all]");
  if (all) { all.checked = count > 0 && count === rows.length; all.indeterminate = count > 0 && count < rows.length; }
  const bar = $(".selection-bar");
  if (!bar) return;
  bar.hidden = count === 0;
  const place = $("[data-selected]", bar);
  if (place) place.textContent = `${count} selected`;
  sayCount(bar, `${count}`);
  const everything = $("[data-everything]", bar);
  if (everything) everything.value = "";
  const more = $("[data-select-everything]", bar);
  if (more) more.hidden = count < rows.length;
  for (const button of $$("[data-few]", bar)) button.hidden = count < 2 || count > 10;
}

// Each button says how many it is about: "Unsubscribe 24…".
function sayCount(bar, count) {
  for (const button of $$("[data-counted]", bar)) button.textContent = button.dataset.counted.replace("#", count);
}

// Beyond the page: all that the list shows. The server finds them; the ticks stand for the page only.
document.addEventListener("click", (event) => {
  const more = event.target.closest("[data-select-everything]");
  if (!more) return;
  const bar = more.closest(".selection-bar");
  $("[data-everything]", bar).value = "1";
  const count = more.textContent.replace("Select all", "").trim();
  $("[data-selected]", bar).textContent = `All ${count} selected`;
  sayCount(bar, count);
  more.hidden = true;
  for (const button of $$("[data-few]", bar)) button.hidden = true;
  $("button[type=submit]", bar)?.focus();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-clear-selection]")) return;
  const rows = $$("input[data-row]");
  for (const row of rows) row.checked = false;
  showSelection(rows);
});

function chooseTheme(theme) {
  store("theme", theme);
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

// --- keyboard -------------------------------------------------------------------------------------------------------
let before = "";
let active = -1;

const KEYS = {
  "/": () => $("[data-find]")?.focus(),
  "?": () => $("#keys")?.showModal(),
  "g i": () => follow("imports"),
  "g c": () => follow("contacts"),
  "j": () => step(1),
  "k": () => step(-1),
  "x": () => activeRow()?.querySelector("input[data-row]")?.click(),
  "Enter": () => activeRow()?.querySelector("a.name")?.click(),
  "z": () => $$("[data-undo]").at(-1)?.click(),
};

const tableRows = () => $$("table[data-keys] > tbody > tr");
const activeRow = () => tableRows()[active];
const follow = (page) => $$(".nav a").find((link) => link.pathname.endsWith(`/${page}/`))?.click();

function step(by) {
  const skip = $("[data-skip]");
  if (skip && by > 0) { skip.click(); return; }
  const rows = tableRows();
  rows[active]?.classList.remove("active");
  active = Math.min(Math.max(active + by, 0), rows.length - 1);
  rows[active]?.classList.add("active");
  rows[active]?.scrollIntoView({ block: "nearest" });
  const row = rows[active];
  (row?.querySelector("a.name") ?? row?.querySelector("input[data-row]"))?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenu();
  const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || stored("keys") === "off" || $("dialog[open]")) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary, input, label")) return;
  const act = KEYS[`${before} ${event.key}`] ?? KEYS[event.key];
  before = event.key === "g" ? "g" : "";
  if (act) { event.preventDefault(); act(); }
});

// In the sheet: up and down to the next cell to be mended, Escape for the value as it came.
document.addEventListener("keydown", (event) => {
  const cell = event.target.closest(".sheet input, .sheet .cell");
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!cell) return;
  if (event.key === "Escape" && cell.matches("input")) cell.value = cell.defaultValue;
  if (!by) return;
  const cells = $$("input, .cell", cell.closest(".sheet"));
  event.preventDefault();
  cells[cells.indexOf(cell) + by]?.focus();
});

function closeMenu() {
  const menu = $("details[data-menu][open]");
  if (menu) { menu.open = false; $("summary", menu).focus(); }
}

// --- start ----------------------------------------------------------------------------------------------------------
for (const input of $$("input[name=theme]")) input.checked = input.value === stored("theme");
for (const input of $$("[data-keys-off]")) input.checked = stored("keys") === "off";
document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) prepare(event.target); });
prepare(document);
if (session("step", "") && document.activeElement === document.body) focusOn($("#main") ?? document);
