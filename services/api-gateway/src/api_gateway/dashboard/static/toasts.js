/** Toasts go away by themselves when all went well, and stay when not. */
const SHOWN_MS = 8_000;

/** Begin. */
export function startToasts() {
  for (const toast of document.querySelectorAll("#toasts .toast")) {
    const close = toast.querySelector("[data-toast-close]");
    if (close instanceof HTMLElement) {
      close.hidden = false;
      close.addEventListener("click", () => toast.remove());
    }
    if (toast.classList.contains("is-good")) leaveLater(toast);
  }
}

/** @param {Element} toast */
function leaveLater(toast) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) leaveLater(toast);
    else toast.remove();
  }, SHOWN_MS);
}
