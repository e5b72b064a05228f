/** Selecting jobs: remembered over pages of one list, with shift for a range. */
import { PAGE_CHANGED } from "./page.js";

const KEY = "jobqueue-selection";
/** @type {HTMLInputElement | null} */
let lastTicked = null;

/** @returns {{ list: string, ids: string[] }} */
function stored() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    return { list: String(found.list ?? ""), ids: Array.isArray(found.ids) ? found.ids.map(String) : [] };
  } catch {
    return { list: "", ids: [] };
  }
}

function form() {
  const found = document.getElementById("selection");
  return found instanceof HTMLFormElement ? found : null;
}

function listName() {
  return form()?.dataset.selection ?? "";
}

/** Ids selected in the list that is open, also on its other pages. */
export function selectedIds() {
  const { list, ids } = stored();
  return list && list === listName() ? ids : [];
}

/** Whether anything is selected. */
export function hasSelection() {
  return selectedIds().length > 0 || everything()?.checked === true;
}

/** @returns {HTMLInputElement | null} */
function everything() {
  return form()?.querySelector('input[name="all"]') ?? null;
}

/** @returns {HTMLInputElement[]} */
function boxes() {
  return [...(form()?.querySelectorAll('input[name="ids"]') ?? [])].filter((box) => box instanceof HTMLInputElement);
}

/** @param {string[]} ids */
function keep(ids) {
  sessionStorage.setItem(KEY, JSON.stringify({ list: listName(), ids: [...new Set(ids)].slice(0, 1_000) }));
  draw();
}

/** Forget what is selected. */
export function clearSelection() {
  const all = everything();
  if (all) all.checked = false;
  keep([]);
}

function draw() {
  const ids = new Set(selectedIds());
  for (const box of boxes()) {
    box.checked = ids.has(box.value);
    box.closest("tr")?.classList.toggle("is-selected", box.checked);
  }
  const shown = boxes();
  const page = document.querySelector("[data-pick-page]");
  if (page instanceof HTMLElement) {
    page.hidden = shown.length === 0;
    const box = page.querySelector("input");
    if (box) {
      const ticked = shown.filter((one) => one.checked).length;
      box.checked = ticked > 0 && ticked === shown.length;
      box.indeterminate = ticked > 0 && ticked < shown.length;
    }
  }
  drawBar(ids.size);
}

/** @param {number} amount */
function drawBar(amount) {
  const bar = document.querySelector("[data-bulk]");
  if (!(bar instanceof HTMLElement)) return;
  const all = everything()?.checked === true;
  bar.classList.toggle("is-on", amount > 0 || all);
  const count = bar.querySelector("[data-count]");
  const text = all ? "All that match are selected" : `${amount.toLocaleString("en")} selected`;
  if (count && count.textContent !== text) count.textContent = text;
  for (const element of bar.querySelectorAll("[data-everything], [data-clear]")) {
    if (element instanceof HTMLElement) element.hidden = false;
  }
}

/**
 * What the selection sends: the form with the ids of all pages.
 * @param {HTMLFormElement} source
 */
export function selectionForm(source) {
  const sent = new URLSearchParams();
  for (const [name, value] of new FormData(source)) if (name !== "ids") sent.append(name, String(value));
  for (const id of selectedIds()) sent.append("ids", id);
  return sent;
}

/** @param {MouseEvent} event */
function onClick(event) {
  const box = event.target;
  if (box instanceof Element && box.closest("[data-clear]")) clearSelection();
  if (!(box instanceof HTMLInputElement)) return;
  if (box.name === "all") draw();
  if (box.closest("[data-pick-page]")) {
    const shown = boxes().map((one) => one.value);
    const others = selectedIds().filter((id) => !shown.includes(id));
    keep(box.checked ? [...others, ...shown] : others);
  }
  if (box.name !== "ids") return;
  const range = event.shiftKey && lastTicked ? between(lastTicked, box) : [box];
  const values = range.map((one) => one.value);
  const others = selectedIds().filter((id) => !values.includes(id));
  keep(box.checked ? [...others, ...values] : others);
  lastTicked = box;
}

/**
 * @param {HTMLInputElement} one
 * @param {HTMLInputElement} other
 */
function between(one, other) {
  const all = boxes();
  const [from, to] = [all.indexOf(one), all.indexOf(other)].sort((a, b) => a - b);
  return from < 0 ? [other] : all.slice(from, to + 1);
}

/** Begin, and go on with every page that is shown. */
export function startSelection() {
  document.addEventListener("click", onClick);
  document.addEventListener(PAGE_CHANGED, draw);
  if (document.querySelector("#toasts .is-good") && stored().list === listName()) clearSelection();
  draw();
}
