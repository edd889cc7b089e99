"use strict";
const root = document.documentElement;
let kept = null;
try { kept = localStorage.getItem("theme"); } catch { /* a file without storage */ }
if (kept) { root.dataset.theme = kept; }
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* as above */ }
});

for (const input of document.querySelectorAll("[data-filter]")) {
  const name = input.dataset.filter;
  const rows = [...document.querySelectorAll(`[data-rows="${name}"] tr`)];
  const count = document.querySelector(`[data-count="${name}"]`);
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length}`;
  };
  input.addEventListener("input", show);
  show();
}

for (const picture of document.querySelectorAll(".picture")) {
  const svg = picture.querySelector("svg");
  const box = svg.viewBox.baseVal;
  const whole = [box.x, box.y, box.width, box.height];
  const set = (x, y, width, height) => svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
  const zoom = (by) => {
    if (by === 0) { set(...whole); return; }
    const width = Math.min(whole[2] * 2, Math.max(200, box.width * by));
    const height = width * whole[3] / whole[2];
    set(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height);
  };
  const move = (across, down) => set(box.x + across * box.width, box.y + down * box.height, box.width, box.height);
  const environment = picture.id.replace("picture-", "");
  for (const button of document.querySelectorAll(`[data-zoom="${environment}"]`)) {
    button.addEventListener("click", () => zoom(Number(button.dataset.by)));
  }
  const keys = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1]};
  picture.addEventListener("keydown", (event) => {
    if (keys[event.key]) { move(...keys[event.key]); event.preventDefault(); }
    if (event.key === "+") { zoom(0.8); }
    if (event.key === "-") { zoom(1.25); }
  });
  picture.addEventListener("wheel", (event) => {
    if (event.ctrlKey) { zoom(event.deltaY < 0 ? 0.9 : 1.1); event.preventDefault(); }
  }, {passive: false});
  picture.addEventListener("pointerdown", (event) => picture.setPointerCapture(event.pointerId));
  picture.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) { move(-event.movementX / picture.clientWidth, -event.movementY / picture.clientHeight); }
  });
}
