/**
 * Keeps the open page up to date: a stream says when something changed, a poll every 5 s where there is no stream.
 * Rests while the tab is hidden, while jobs are selected, while a dialog is open and while the person wants it to.
 */
import { PAGE_CHANGED, refresh, show } from "./page.js";
import { hasSelection } from "./selection.js";
import { coarse } from "./times.js";

const POLL_MS = 5_000;
const LOST_MS = 10_000;
const PAUSED_KEY = "jobqueue-live-paused";

let freshAt = Date.now();
let streamAt = 0;
let busy = false;
/** @type {EventSource | null} */
let stream = null;
let streamOf = "";
/** @type {Document | null} */
let held = null;

/** Begin, and go on with every page that is shown. */
export function startLive() {
  document.addEventListener(PAGE_CHANGED, () => {
    freshAt = Date.now();
    held = null;
    attach();
  });
  document.addEventListener("visibilitychange", attach);
  document.addEventListener("click", onClick);
  setInterval(tick, 1_000);
  attach();
}

/** Refresh now, whatever else. */
export function refreshNow() {
  return update(true);
}

/** Pause, or go on. */
export function togglePause() {
  localStorage.setItem(PAUSED_KEY, isPaused() ? "" : "yes");
  attach();
  if (!isPaused()) refreshNow();
}

function isPaused() {
  return localStorage.getItem(PAUSED_KEY) === "yes";
}

function topic() {
  return document.querySelector("[data-live]")?.getAttribute("data-live") ?? null;
}

function attach() {
  const name = topic();
  const wanted = name !== null && !isPaused() && !document.hidden;
  if (stream && (!wanted || name !== streamOf || stream.readyState === EventSource.CLOSED)) {
    stream.close();
    stream = null;
  }
  if (wanted && !stream) {
    streamOf = name;
    const queues = document.querySelector("a.brand").href; // wherever a proxy shows us
    stream = new EventSource(`${queues}/~live${name ? `?queue=${encodeURIComponent(name)}` : ""}`);
    stream.addEventListener("state", () => {
      streamAt = Date.now();
      update(false);
    });
  }
  tell();
}

function tick() {
  tell();
  const away = document.querySelector("[data-away]");
  if (topic() === null && !away) return;
  const quiet = Date.now() - Math.max(streamAt, freshAt) > POLL_MS;
  if (quiet && !document.hidden && !isPaused()) {
    attach();
    update(false);
  }
}

/** @param {boolean} now also while it would rest */
async function update(now) {
  if (busy || (!now && resting())) return;
  busy = true;
  try {
    const found = await refresh(!now);
    if (found) take(found.page, now);
  } catch {
    if (Date.now() - freshAt > 2 * POLL_MS) tell();
  } finally {
    busy = false;
  }
}

/**
 * @param {Document} page
 * @param {boolean} now
 */
function take(page, now) {
  if (page.querySelector("[data-away]") && !document.querySelector("[data-away]")) return;
  if (!page.querySelector("[data-live]") && topic() !== null && page.querySelector('input[type="password"]')) {
    location.reload(); // the session has ended: the login page leads back here
    return;
  }
  freshAt = Date.now();
  const arrivals = now ? 0 : movesUnderPointer(page);
  if (arrivals > 0) hold(page, arrivals);
  else show(page);
  tell();
}

/**
 * How many rows would appear or move while the person points at the list, or has the focus in it.
 * @param {Document} page
 */
function movesUnderPointer(page) {
  const body = document.querySelector("table.jobs tbody");
  const inList = body?.matches(":hover") || body?.contains(document.activeElement);
  if (!body || !inList || document.getElementById("drawer")) return 0;
  const known = [...body.querySelectorAll("[data-row]")].map((row) => row.getAttribute("data-key"));
  const fresh = [...page.querySelectorAll("table.jobs [data-row]")].map((row) => row.getAttribute("data-key"));
  if (fresh.join() === known.join()) return 0;
  return fresh.filter((key) => !known.includes(key)).length || 1;
}

/**
 * Offer the changed list instead of showing it.
 * @param {Document} page
 * @param {number} arrivals
 */
function hold(page, arrivals) {
  held = page;
  const news = document.querySelector("[data-news]");
  if (!(news instanceof HTMLElement)) return;
  news.textContent = `${arrivals} new: show`;
  news.hidden = false;
}

function resting() {
  return isPaused() || document.hidden || hasSelection() || document.querySelector("dialog[open]") !== null;
}

function tell() {
  const paused = isPaused();
  const age = Date.now() - freshAt;
  const lost = !resting() && age > LOST_MS && topic() !== null;
  for (const button of document.querySelectorAll("[data-live-pause]")) {
    if (!(button instanceof HTMLElement)) continue;
    button.hidden = false;
    button.classList.toggle("is-paused", paused || hasSelection());
    button.setAttribute("aria-pressed", String(paused));
    button.title = paused ? "Refreshing is paused; go on" : "Refreshes every 5 s; pause";
    setText(button.querySelector("[data-live-text]"), word(paused, lost));
  }
  for (const words of document.querySelectorAll("[data-retrying]")) words.removeAttribute("hidden");
  const banner = document.getElementById("lost");
  if (!banner) return;
  banner.hidden = !lost;
  setText(banner, lost ? `The connection is lost. What you see is ${coarse(age)} old; it goes on by itself.` : "");
}

/**
 * @param {boolean} paused
 * @param {boolean} lost
 */
function word(paused, lost) {
  if (paused) return "Paused";
  if (hasSelection()) return "Paused while selecting";
  return lost ? "Offline" : "Live";
}

/**
 * @param {Element | null} element
 * @param {string} text
 */
function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("[data-live-pause]")) togglePause();
  else if (target?.closest("[data-clear]")) refreshNow(); // nothing is selected any more
  else if (target?.closest("[data-news]") && held) {
    const page = held;
    const news = target.closest("[data-news]");
    if (news instanceof HTMLElement) news.hidden = true;
    show(page);
  } else if (target?.closest("a[data-refresh]") && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    refreshNow();
  }
}
