/** Parts of a document that were left out are fetched when they are opened, and put where they belong. */
import { fetchPage } from "./page.js";

/** @param {HTMLAnchorElement} link */
async function load(link) {
  if (link.dataset.loading) return;
  link.dataset.loading = "yes";
  const { page } = await fetchPage(link.href);
  const items = page.querySelectorAll("[data-tree] > details > ul > li");
  const place = link.closest("li");
  const whole = link.closest(".tree > .node") ?? link.closest(".tree");
  whole?.setAttribute("data-kept", "");
  place?.replaceWith(...[...items].map((item) => document.importNode(item, true)));
}

/** Begin. */
export function startTrees() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-part]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    load(link).catch(() => location.assign(link.href));
  });
  document.addEventListener(
    "toggle",
    (event) => {
      const node = event.target;
      if (!(node instanceof HTMLDetailsElement) || !node.open) return;
      const link = node.querySelector(":scope > ul > li:only-child > a[data-part]");
      if (link instanceof HTMLAnchorElement) load(link).catch(() => location.assign(link.href));
    },
    true,
  );
}
