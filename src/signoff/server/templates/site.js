// Instants in the reader's own time zone; without this script they are in UTC.

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function localTimes(root) {
  for (const each of root.querySelectorAll("time[datetime]")) {
    const at = new Date(each.dateTime);
    if (!Number.isNaN(at.getTime())) {
      each.title = `${each.textContent} UTC`;
      each.textContent = format.format(at);
    }
  }
}

localTimes(document);
