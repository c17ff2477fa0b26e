// Keeps the overview as it is now: at each event the page is read again and its part replaced.
// The server writes every word; nothing is put together here.

const part = document.querySelector("[data-live]");
const PAUSE_MS = 1000;
let wanted = false;
let busy = false;

async function renew() {
  wanted = true;
  if (busy) return;
  busy = true;
  while (wanted) {
    wanted = false;
    // A server that cannot answer now is asked again: what was told must come to be shown.
    if (!(await replace().catch(() => false))) wanted = true;
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  busy = false;
}

/** Whether that is done, or never will be. */
async function replace() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected) return true;
  if (!answer.ok) return answer.status < 429;
  const read = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = read.querySelector("[data-live]");
  if (fresh === null) return true;
  // What somebody stands on is left alone until they leave it; what they opened stays open.
  if (part.contains(document.activeElement)) return false;
  part.querySelectorAll("details").forEach((each, at) => {
    const same = fresh.querySelectorAll("details")[at];
    if (same !== undefined) same.open = each.open;
  });
  if (fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
  return true;
}

if (part !== null) {
  const events = new EventSource(part.dataset.live);
  // The first one may tell of more than the page: time went by since the server wrote it.
  events.addEventListener("progress", () => void renew());
  addEventListener("pagehide", () => events.close());
}
