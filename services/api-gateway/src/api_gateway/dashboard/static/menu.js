/** The menu closes when the person goes on elsewhere, or presses Escape. */

/** @param {Element | null} inside what stays as it is */
function closeOthers(inside) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(inside)) menu.removeAttribute("open");
  }
}

/** Begin. */
export function startMenu() {
  document.addEventListener("click", (event) => closeOthers(event.target instanceof Element ? event.target : null));
  document.addEventListener("focusin", (event) => closeOthers(event.target instanceof Element ? event.target : null));
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (event.key !== "Escape" || !menu) return;
    closeOthers(null);
    const summary = menu.querySelector("summary");
    if (summary) summary.focus();
  });
}
