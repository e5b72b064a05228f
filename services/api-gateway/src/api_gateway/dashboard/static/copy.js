/** Buttons that copy a text; also where the page is not served by HTTPS. */
import { PAGE_CHANGED } from "./page.js";

function draw() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (button instanceof HTMLElement) button.hidden = false;
  }
}

/** @param {string} text */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** Begin, and go on with every page that is shown. */
export function startCopying() {
  document.addEventListener(PAGE_CHANGED, draw);
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    if (!button) return;
    await copy(button.getAttribute("data-copy") ?? "");
    button.classList.add("is-done");
    setTimeout(() => button.classList.remove("is-done"), 1_500);
  });
  draw();
}
