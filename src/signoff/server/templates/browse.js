// Choosing many items at once, and how many are chosen.

const all = document.querySelector("[data-all]");
const boxes = [...document.querySelectorAll('input[name="request"]')];
const chosen = document.querySelector("[data-chosen]");

function tell() {
  const count = boxes.filter((box) => box.checked).length;
  if (chosen !== null) chosen.textContent = count === 0 ? "" : String(count);
  if (all !== null) {
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
}

if (all !== null && boxes.length > 0) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    tell();
  });
  for (const box of boxes) box.addEventListener("change", tell);
  tell();
}
