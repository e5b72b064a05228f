/** Forms: sent once however often the button is pressed; choosers act at once; JSON is checked while it is written. */

/** @param {SubmitEvent} event */
function onSubmit(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  if (event.submitter instanceof HTMLButtonElement) event.submitter.classList.add("is-busy");
}

/** @param {Event} event */
function onInput(event) {
  const area = event.target;
  if (!(area instanceof HTMLTextAreaElement) || !area.hasAttribute("data-json")) return;
  const words = area.form?.querySelector("[data-json-problem]");
  let problem = "";
  try {
    JSON.parse(area.value);
  } catch (error) {
    problem = `This is no JSON: ${error instanceof Error ? error.message : ""}`;
  }
  area.setAttribute("aria-invalid", String(problem !== ""));
  if (words) words.textContent = problem;
}

/** Begin. */
export function startForms() {
  document.addEventListener("submit", onSubmit);
  document.addEventListener("input", onInput);
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLSelectElement && field.form?.hasAttribute("data-auto")) field.form.requestSubmit();
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });
}
