// The page of a mapping: fields to drag onto columns, fields of the chosen task only, segments by a click. All of it is
// an extra: selects and lines do the same.
"use strict";

const mappingForm = document.getElementById("start");
// Asked anew each time: another task brings another table.
const fieldSelects = () => [...mappingForm.querySelectorAll("select[name^='column-']")];
const palette = document.querySelector("[data-palette]");

// --- fields that no column has yet, as chips to drag ----------------------------------------------------------------
function freeFields() {
  const selects = fieldSelects();
  const taken = new Set(selects.map((select) => select.value));
  const options = selects.length ? [...selects[0].options] : [];
  return options.filter((option) => option.closest("optgroup") && !option.disabled && !taken.has(option.value));
}

function showPalette() {
  palette.replaceChildren(...freeFields().map((option) => {
    const chip = document.createElement("span");
    chip.className = "chip";
    chip.draggable = true;
    chip.textContent = option.textContent;
    chip.dataset.field = option.value;
    return chip;
  }));
}

let dragged = "";
palette.addEventListener("dragstart", (event) => {
  dragged = event.target.dataset.field;
  event.dataTransfer.setData("text/plain", dragged);
  event.dataTransfer.effectAllowed = "copy";
});
palette.addEventListener("dragend", () => { dragged = ""; });
const rowAt = (event) => dragged ? event.target.closest("#mapping-table tbody tr") : null;
mappingForm.addEventListener("dragover", (event) => {
  const row = rowAt(event);
  if (row) { event.preventDefault(); row.classList.add("over"); }
});
mappingForm.addEventListener("dragleave", (event) => {
  const row = rowAt(event);
  if (row && !row.contains(event.relatedTarget)) row.classList.remove("over");
});
mappingForm.addEventListener("drop", (event) => {
  const row = rowAt(event);
  if (!row) return;
  event.preventDefault();
  row.classList.remove("over");
  const select = row.querySelector("select[name^='column-']");
  select.value = dragged;
  select.dispatchEvent(new Event("change", { bubbles: true }));
});

// --- the key of a new field follows its name, until somebody writes one -----------------------------------------------
const LETTERS = { ß: "ss", ł: "l", ø: "o", đ: "d", æ: "ae", œ: "oe", þ: "th", ð: "d", ı: "i" };
function keyOf(name) {
  const letters = name.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").replace(/[ßłøđæœþðı]/g, (sign) => LETTERS[sign]);
  const plain = letters.replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  if (!plain) return "column";
  return (/^[a-z]/.test(plain) ? plain : `column_${plain}`).slice(0, 60);
}
mappingForm.addEventListener("input", (event) => {
  const field = event.target;
  if (field.matches("input[name^='key-']")) field.dataset.byHand = "yes";
  if (!field.matches("input[name^='label-']")) return;
  const key = mappingForm.elements[field.name.replace("label-", "key-")];
  if (key.dataset.byHand) return;
  key.value = keyOf(field.value);
});

// --- what comes back when a choice was kept ---------------------------------------------------------------------------
function restate() {
  for (const why of mappingForm.querySelectorAll("[data-state]")) {
    const row = why.closest("tr");
    row.classList.remove("needs-you", "skipped");
    if (why.dataset.state) row.classList.add(why.dataset.state);
  }
  renew();
}
document.addEventListener("htmx:oobAfterSwap", (event) => { if (event.target.matches("#mapping-table, [data-state]")) restate(); });

// --- what a contact did can be told only by a file of that task ------------------------------------------------------
const task = mappingForm.elements.task;
function offerTargets() {
  for (const option of mappingForm.querySelectorAll("option[data-tasks]")) {
    option.hidden = option.disabled = !option.selected && !option.dataset.tasks.split(" ").includes(task.value);
  }
  const named = mappingForm.elements.event_name?.closest(".field");
  if (named) named.hidden = task.value !== "events";
}

// --- segments ---------------------------------------------------------------------------------------------------------
mappingForm.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-line]");
  if (!button) return;
  const field = document.querySelector(button.dataset.addLine);
  const lines = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.includes(button.dataset.line)) field.value = [...lines, button.dataset.line].join("\n");
});

function renew() {
  if (task) offerTargets();
  showPalette();
}
mappingForm.addEventListener("change", renew);
renew();
