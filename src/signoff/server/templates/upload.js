// Sends a chosen or dropped file, then goes where its first rows are shown.

const form = document.querySelector("[data-drop]");
const input = form?.querySelector("input");
const state = form?.querySelector("[data-state]");
const bar = form?.querySelector("progress");

function send(file) {
  const request = new XMLHttpRequest();
  request.open("POST", `${form.dataset.to}?name=${encodeURIComponent(file.name.slice(-200))}`);
  request.setRequestHeader("X-Signoff", "1");
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  request.addEventListener("load", () => {
    const told = parsed(request.responseText);
    if (request.status === 201) location.assign(`/new/${encodeURIComponent(told.id)}`);
    else fail([told.detail, told.hint].filter(Boolean).join(" ") || "The file was not taken.");
  });
  request.addEventListener("error", () => fail("The server cannot be reached. Try again."));
  input.disabled = true;
  bar.hidden = false;
  bar.value = 0;
  say(`Sending ${file.name}`, false);
  request.send(file);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function fail(words) {
  input.disabled = false;
  input.value = "";
  bar.hidden = true;
  say(words, true);
}

function say(words, wrong) {
  state.textContent = words;
  state.className = wrong ? "notice care" : "";
}

if (form) {
  form.querySelector("[data-or]").hidden = false;
  // Until here a chosen file would have gone nowhere.
  input.disabled = false;
  input.addEventListener("change", () => input.files[0] && send(input.files[0]));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    });
  }
  addEventListener("drop", (event) => {
    const file = event.dataTransfer?.files[0];
    if (file && !input.disabled) send(file);
  });
}
