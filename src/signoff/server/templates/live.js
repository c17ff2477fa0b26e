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
    await replace().catch(() => undefined);
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  busy = false;
}

async function replace() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const read = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = read.querySelector("[data-live]");
  // What somebody opened stays open, and what they stand on is left alone.
  if (fresh === null || part.contains(document.activeElement)) return;
  part.querySelectorAll("details").forEach((each, at) => {
    const same = fresh.querySelectorAll("details")[at];
    if (same !== undefined) same.open = each.open;
  });
  if (fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
}

if (part !== null) {
  const events = new EventSource(part.dataset.live);
  let first = true;
  events.addEventListener("progress", () => {
    // The first one tells what the page shows already.
    if (!first) void renew();
    first = false;
  });
  addEventListener("pagehide", () => events.close());
}
