/** Shows the pages that ask before they act as dialogs over the page they were asked from. */
import { fetchPage } from "./page.js";
import { selectionForm } from "./selection.js";

/** @returns {HTMLDialogElement} */
function dialog() {
  return /** @type {HTMLDialogElement} */ (document.getElementById("dialog"));
}

/**
 * @param {string} address
 * @param {URLSearchParams | null} form
 */
async function ask(address, form) {
  const found = await fetchPage(address, form);
  const content = found.page.querySelector("[data-dialog-content]");
  if (!content) {
    location.assign(form ? location.href : address); // not a question: the page that says why
    return;
  }
  dialog().replaceChildren(...[...content.childNodes].map((node) => document.importNode(node, true)));
  dialog().showModal();
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = event.target instanceof Element ? event.target : null;
  const link = target?.closest("a[data-dialog]");
  const button = target?.closest("button[data-dialog-post]");
  if (link instanceof HTMLAnchorElement && event.button === 0 && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    ask(link.href, null).catch(() => location.assign(link.href));
  } else if (button instanceof HTMLButtonElement && button.form) {
    const form = button.form;
    event.preventDefault();
    ask(button.formAction, selectionForm(form)).catch(() => form.requestSubmit(button));
  } else if (target?.closest("[data-dialog-close]") && dialog()?.open) {
    event.preventDefault();
    dialog().close();
  } else if (target === dialog()) {
    dialog().close(); // the backdrop
  }
}

/** Begin. */
export function startDialogs() {
  if (dialog()) document.addEventListener("click", onClick);
}
