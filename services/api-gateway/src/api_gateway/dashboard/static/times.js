/** Keeps relative times true while a page is open. The server's words are written the same way. */
const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
];
const JUST_NOW = 1_500;

/**
 * How long ago, or in how long.
 * @param {number} at ms since the epoch
 */
export function relative(at) {
  const distance = Date.now() - at;
  if (Math.abs(distance) < JUST_NOW) return "just now";
  const length = coarse(Math.abs(distance));
  return distance > 0 ? `${length} ago` : `in ${length}`;
}

/** @param {number} ms a length of time */
export function coarse(ms) {
  for (const [unit, name] of UNITS) {
    if (ms >= Number(unit)) return `${Math.floor(ms / Number(unit))} ${name}`;
  }
  return `${Math.floor(ms / 1_000)} s`;
}

function update() {
  for (const element of document.querySelectorAll("time[data-ms]")) {
    const text = relative(Number(element.getAttribute("data-ms")));
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Once a second, while the page can be seen. */
export function startTimes() {
  setInterval(() => {
    if (!document.hidden) update();
  }, 1_000);
}
