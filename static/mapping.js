// The page of a mapping: fields to drag onto columns, fields of the chosen task only, segments by a click. All of it is
// an extra: selects and lines do the same.
"use strict";

const mappingForm = document.getElementById("start");
const fieldSelects = [...mappingForm.querySelectorAll("select[name^='column-']")];
const palette = document.querySelector("[data-palette]");

// --- fields that no column has yet, as chips to drag ----------------------------------------------------------------
function freeFields() {
  const taken = new Set(fieldSelects.map((select) => select.value));
  const options = fieldSelects.length ? [...fieldSelects[0].options] : [];
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
for (const select of fieldSelects) {
  const row = select.closest("tr");
  row.addEventListener("dragover", (event) => { if (dragged) { event.preventDefault(); row.classList.add("over"); } });
  row.addEventListener("dragleave", (event) => row.contains(event.relatedTarget) || row.classList.remove("over"));
  row.addEventListener("drop", (event) => {
    event.preventDefault();
    row.classList.remove("over");
    if (!dragged) return;
    select.value = dragged;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

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
