// The rule builder: shortcuts for what its buttons do, values to choose from, parts to drag. All of it is an extra: the
// buttons send the form without it, and values can be typed.
"use strict";

const builder = () => document.getElementById("segments-builder");
const partOf = (element) => element?.closest?.("#segments-builder [data-part]") ?? null;
const buttonOf = (what, part) => builder().querySelector(`button[name="do"][value="${what}:${part.dataset.part}"]`);

// --- a sentence or a save that was sent is not given up for a count, and a segment is not saved twice at once --------------
let sending = null; // the form that waits for such an answer
const isSave = (event) => event?.submitter?.value === "save";

document.addEventListener("htmx:confirm", (event) => {
  const { elt, triggeringEvent } = event.detail;
  const isCount = !elt.matches("form") && builder()?.contains(elt);
  if (sending && (isCount || (sending === elt && isSave(triggeringEvent)))) event.preventDefault();
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig } = event.detail;
  const isSentence = elt.getAttribute("hx-target") === "#segments-builder";
  if (isSentence || (elt === builder() && isSave(requestConfig.triggeringEvent))) sending = elt;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt === sending) sending = null;
});

// --- a name that is typed while the form is on its way stays ---------------------------------------------------------------
let typed = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id === "segments-builder") typed = builder().elements.namedItem("name")?.value ?? null;
});
document.addEventListener("htmx:afterSwap", () => {
  const name = builder()?.elements.namedItem("name");
  if (name && typed !== null) name.value = typed;
  typed = null;
});

// --- shortcuts: those that the buttons of the part with the focus name ---------------------------------------------------
const SHORTCUTS = {
  ArrowUp: "up", ArrowDown: "down", ArrowRight: "into", ArrowLeft: "out", KeyG: "wrap", KeyU: "unwrap", KeyD: "duplicate",
  Enter: "add", Backspace: "remove",
};

document.addEventListener("keydown", (event) => {
  const what = event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey && SHORTCUTS[event.code];
  const part = what && partOf(event.target);
  if (!part) return;
  event.preventDefault();
  buttonOf(what, part)?.click();
});

// --- values to choose from: a list below the field, with how many contacts have each -------------------------------------
let asked = null; // the request that is under way
let waiting = 0;
let chosen = -1;
const listOf = (input) => document.getElementById(`${input.id}-suggestions`);
const optionsOf = (input) => [...(listOf(input)?.querySelectorAll("[role=option]") ?? [])];
const isOpen = (input) => listOf(input)?.hidden === false;

function suggesting(element) {
  const input = element.closest?.("input[data-suggest]");
  if (!input || input.role === "combobox") return input;
  input.role = "combobox";
  input.removeAttribute("list"); // its options are suggested, too
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  const list = document.createElement("ul");
  list.id = `${input.id}-suggestions`;
  list.className = "suggestions";
  list.role = "listbox";
  list.ariaLabel = "Suggestions";
  list.hidden = true;
  // A pointer that chooses must not take the focus from the field.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => take(input, event.target.closest("[role=option]")));
  partOf(input).append(list);
  input.setAttribute("aria-controls", list.id);
  return input;
}

// `first`: mark the first one, for a key that has asked for it.
async function suggest(input, first = false) {
  clearTimeout(waiting);
  asked?.abort();
  asked = new AbortController();
  const path = partOf(input).dataset.part;
  const row = input.closest(".line");
  const given = new URLSearchParams({
    of: input.dataset.suggest, path, typed: input.value, property: row?.querySelector("[name^='property:']")?.value ?? "",
  });
  for (const [name, value] of new FormData(builder())) if (name.endsWith(`:${path}`)) given.append(name, value);
  let response;
  try {
    response = await fetch(`${builder().dataset.suggestions}?${given}`, { signal: asked.signal });
  } catch (error) {
    if (error.name !== "AbortError") close(input); // The connection is lost: then nothing is suggested.
    return;
  }
  if (!response.ok || document.activeElement !== input) { close(input); return; }
  show(input, await response.text(), first || chosen >= 0 ? 0 : -1);
}

function show(input, html, marked) {
  const list = listOf(input);
  list.innerHTML = html;
  optionsOf(input).forEach((option, i) => { option.id = `${list.id}-${i}`; });
  list.hidden = optionsOf(input).length === 0;
  list.style.insetInlineStart = `${Math.min(input.offsetLeft, Math.max(0, partOf(input).clientWidth - 200))}px`;
  list.style.insetBlockStart = `${input.offsetTop + input.offsetHeight + 4}px`;
  input.setAttribute("aria-expanded", String(!list.hidden));
  mark(input, list.hidden ? -1 : marked);
}

function close(input) {
  clearTimeout(waiting);
  asked?.abort();
  const list = listOf(input);
  if (list) list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  mark(input, -1);
}

function mark(input, i) {
  const options = optionsOf(input);
  chosen = options.length ? (i + options.length + 1) % (options.length + 1) : -1;
  if (chosen === options.length) chosen = -1; // beyond the last one is the field itself
  options.forEach((option, n) => option.setAttribute("aria-selected", String(n === chosen)));
  options[chosen]?.scrollIntoView({ block: "nearest" });
  if (chosen >= 0) input.setAttribute("aria-activedescendant", options[chosen].id);
  else input.removeAttribute("aria-activedescendant");
}

function take(input, option) {
  if (!option) return;
  input.value = option.dataset.value;
  close(input);
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("input", (event) => {
  const input = suggesting(event.target);
  if (!input) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => suggest(input), 150);
});
document.addEventListener("click", (event) => {
  const input = suggesting(event.target);
  if (input && !isOpen(input)) suggest(input);
});
document.addEventListener("focusout", (event) => {
  if (event.target.role === "combobox") close(event.target);
});
document.addEventListener("keydown", (event) => {
  const input = event.altKey || event.ctrlKey || event.metaKey ? null : suggesting(event.target);
  if (!input) return;
  if (event.key === "ArrowDown" && !isOpen(input)) { event.preventDefault(); suggest(input, true); return; }
  if (!isOpen(input)) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    mark(input, event.key === "ArrowDown" ? chosen + 1 : (chosen < 0 ? -2 : chosen - 1));
  } else if (event.key === "Enter" && chosen >= 0) {
    event.preventDefault();
    take(input, optionsOf(input)[chosen]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    close(input);
  }
});

// --- focus: who has chosen what a line is about and goes on gets to the field that has come, not behind it ---------------
let renewed = "";
document.addEventListener("change", (event) => {
  if (event.target.matches("#segments-builder select[name^='about:']")) renewed = partOf(event.target).dataset.part;
});
document.addEventListener("htmx:afterSettle", () => {
  const menu = renewed && document.getElementById(`menu-${renewed}`);
  if (menu && document.activeElement === menu) partOf(menu).querySelectorAll("select, input")[1]?.focus();
  renewed = "";
});

// --- drag: a part before or behind another one, or to the end of a group --------------------------------------------------
let dragged = null;

// The class that shows where the part would go, and the place before which that is.
function dropAt(event) {
  const part = dragged && partOf(event.target);
  if (!part || dragged.contains(part)) return null;
  const path = part.dataset.part;
  if (part.classList.contains("rules")) {
    const parts = [...part.children].filter((child) => child.matches("[data-part]")).length;
    return { part, shown: "drop-into", before: path ? `${path}.${parts}` : `${parts}` };
  }
  const box = part.getBoundingClientRect();
  const behind = event.clientY > box.top + box.height / 2;
  const places = path.split(".");
  places.push(Number(places.pop()) + (behind ? 1 : 0));
  return { part, shown: behind ? "drop-after" : "drop-before", before: places.join(".") };
}

function unmarkDrop() {
  for (const part of builder()?.querySelectorAll(".drop-before, .drop-after, .drop-into") ?? []) {
    part.classList.remove("drop-before", "drop-after", "drop-into");
  }
}

document.addEventListener("dragstart", (event) => {
  if (!event.target.matches?.("#segments-builder .grip")) return;
  dragged = partOf(event.target);
  dragged.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.part);
  event.dataTransfer.setDragImage(dragged, 10, 10);
});
document.addEventListener("dragover", (event) => {
  const at = dropAt(event);
  if (!at) return;
  event.preventDefault();
  unmarkDrop();
  at.part.classList.add(at.shown);
});
document.addEventListener("drop", (event) => {
  const at = dropAt(event);
  if (!at) return;
  event.preventDefault();
  const button = document.createElement("button");
  button.hidden = true;
  button.name = "do";
  button.value = `drag:${dragged.dataset.part}:${at.before}`;
  builder().append(button);
  button.click();
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  dragged = null;
  unmarkDrop();
});
