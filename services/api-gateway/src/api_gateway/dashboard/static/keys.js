/** The keyboard: see the list under `?`. */
import { refreshNow, togglePause } from "./live.js";
import { visit } from "./page.js";

/** @param {string} selector */
function follow(selector) {
  const link = document.querySelector(selector);
  if (link instanceof HTMLAnchorElement) visit(link.href);
}

/** @param {number} step */
function move(step) {
  if (document.getElementById("drawer")) {
    follow(step > 0 ? "#drawer [data-next]" : "#drawer [data-previous]");
    return;
  }
  const links = [...document.querySelectorAll("[data-row] [data-open]")];
  const row = document.activeElement?.closest("[data-row]");
  const at = links.findIndex((link) => link.closest("[data-row]") === row);
  const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))];
  if (next instanceof HTMLElement) next.focus();
}

function select() {
  const box = document.activeElement?.closest("[data-row]")?.querySelector('input[type="checkbox"]');
  if (box instanceof HTMLInputElement) box.click();
}

function showKeys() {
  const keys = document.getElementById("keys");
  if (keys instanceof HTMLDialogElement && !keys.open) keys.showModal();
}

function find() {
  const field = document.querySelector("[data-find]");
  if (field instanceof HTMLElement) field.focus();
}

/** @type {Record<string, () => void>} */
const DEEDS = {
  j: () => move(1),
  k: () => move(-1),
  x: select,
  r: refreshNow,
  p: togglePause,
  "/": find,
  "?": showKeys,
  Escape: () => follow("#drawer [data-close]"),
};

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = event.target instanceof HTMLElement ? event.target : null;
  const writing = target?.matches("input:not([type=checkbox]), textarea, select") ?? false;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (writing) {
    if (event.key === "Escape") target?.blur();
    return;
  }
  const deed = DEEDS[event.key];
  if (!deed) return;
  event.preventDefault();
  deed();
}

/** Begin. */
export function startKeys() {
  document.addEventListener("keydown", onKey);
  for (const button of document.querySelectorAll("[data-keys]")) {
    if (button instanceof HTMLElement) {
      button.hidden = false;
      button.addEventListener("click", showKeys);
    }
  }
}
