/** Makes one piece of a page like another, keeping the elements that stay: focus, open details and ticks survive. */

/** What the person changed and the server does not know. */
const OWN_ATTRIBUTES = new Set(["open", "hidden", "data-kept"]);

/**
 * Make `old` like `fresh`.
 * @param {Element} old
 * @param {Element} fresh
 */
export function patch(old, fresh) {
  patchAttributes(old, fresh);
  if (old.hasAttribute("data-kept")) return;
  patchChildren(old, fresh);
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function patchAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (!OWN_ATTRIBUTES.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!OWN_ATTRIBUTES.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function patchChildren(old, fresh) {
  const keyed = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  /** @type {ChildNode | null} */
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const found = match(wanted, place, keyed);
    if (found === null) {
      old.insertBefore(document.importNode(wanted, true), place);
    } else {
      if (found === place) place = place.nextSibling;
      else old.insertBefore(found, place);
      update(found, wanted);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

/**
 * The node that is to become `wanted`: the one of the same key, or the one that stands here when it is of the same kind.
 * @param {ChildNode} wanted
 * @param {ChildNode | null} place
 * @param {Map<string, Element>} keyed
 * @returns {ChildNode | null}
 */
function match(wanted, place, keyed) {
  if (wanted instanceof Element && keyOf(wanted)) return keyed.get(keyOf(wanted)) ?? null;
  if (!place || place.nodeName !== wanted.nodeName) return null;
  return place instanceof Element && keyOf(place) ? null : place;
}

/**
 * @param {ChildNode} found
 * @param {ChildNode} wanted
 */
function update(found, wanted) {
  if (found instanceof Element && wanted instanceof Element) patch(found, wanted);
  else if (found.nodeValue !== wanted.nodeValue) found.nodeValue = wanted.nodeValue;
}

/** @param {Element} element */
function keyOf(element) {
  const key = element.getAttribute("data-key") || element.id;
  return key ? `${element.nodeName} ${key}` : "";
}
