/** Fetches pages of ours and shows them in place of the one that is open; addresses and the back button stay true. */
import { patch } from "./patch.js";

/** Told after the page has changed. */
export const PAGE_CHANGED = "page-changed";
/** Counts where the person went; a refresh never counts, so that it cannot take a click away. */
let latest = 0;

/**
 * A page of ours as a document: the browser parses it, and nothing in it runs.
 * @param {string} address
 * @param {URLSearchParams | null} form what to send, or nothing
 * @param {boolean} background nobody asked for it, so it is no sign that somebody is here
 * @returns {Promise<{ page: Document, address: string }>}
 */
export function fetchPage(address, form = null, background = false) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(form ? "POST" : "GET", address);
    request.responseType = "document";
    request.timeout = 15_000;
    request.onload = () => {
      const page = request.responseXML;
      if (page?.getElementById("page")) resolve({ page, address: request.responseURL });
      else reject(new Error(`no page (${request.status})`));
    };
    request.onerror = request.ontimeout = () => reject(new Error("no answer"));
    if (form) request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.setRequestHeader("X-Page", background ? "background" : "part");
    request.send(form ? form.toString() : null);
  });
}

/**
 * Go to an address; falls back to the browser's own way.
 * @param {string} address
 * @param {{ push?: boolean }} how push: a step of the history
 */
export async function visit(address, { push = true } = {}) {
  const mine = ++latest;
  document.documentElement.classList.add("is-loading");
  try {
    const found = await fetchPage(address);
    if (mine !== latest) return;
    if (push) history.pushState({ swapped: true }, "", found.address);
    show(found.page);
  } catch {
    if (mine === latest) location.assign(address);
  } finally {
    if (mine === latest) document.documentElement.classList.remove("is-loading");
  }
}

/**
 * Fetch the page that is open again. Rejects when there is no answer; resolves null when the person moved on.
 * @param {boolean} background nobody asked for it
 */
export async function refresh(background) {
  const mine = latest;
  const address = location.href;
  const found = await fetchPage(address, null, background);
  if (mine !== latest || address !== location.href) return null;
  return found;
}

/**
 * Put a fetched page in place of the one that is open.
 * @param {Document} page
 */
export function show(page) {
  const old = document.getElementById("page");
  const fresh = page.getElementById("page");
  if (!old || !fresh) return;
  const drawer = document.getElementById("drawer")?.dataset.key;
  document.title = page.title;
  patch(old, fresh);
  document.dispatchEvent(new CustomEvent(PAGE_CHANGED));
  placeFocus(drawer);
}

/** @param {string | undefined} before the drawer that was open */
function placeFocus(before) {
  const drawer = document.getElementById("drawer");
  if (drawer && drawer.dataset.key !== before) {
    drawer.scrollTop = 0;
    document.getElementById("drawer-title")?.focus();
  } else if (!drawer && before) {
    const id = before.replace(/^drawer-/, "");
    const row = document.querySelector(`[data-key="${CSS.escape(`job-${id}`)}"] [data-open]`);
    if (row instanceof HTMLElement) row.focus();
  }
}

/** Links that change the list or the drawer only are followed here. */
export function startPages() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-swap]") : null;
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!(link instanceof HTMLAnchorElement) || !plain || event.defaultPrevented) return;
    event.preventDefault();
    visit(link.href);
  });
  addEventListener("popstate", () => visit(location.href, { push: false }));
}
