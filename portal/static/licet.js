// What works without this file works better with it: copying, rows that open, filtering as you type, unsaved changes, relative times.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  const say = (button, word) => {
    const label = button.querySelector("span") || button;
    const before = label.textContent;
    label.textContent = word;
    button.classList.add("done");
    setTimeout(() => { label.textContent = before; button.classList.remove("done"); }, 1600);
  };

  // <button class="copy" data-copy="text"> or data-copy-from="#id"
  const copy = async (button) => {
    const from = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
    const text = from ? from.textContent : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
      say(button, "Copied");
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      say(button, document.execCommand("copy") ? "Copied" : "Press Ctrl+C");
      area.remove();
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".copy");
    if (button) { event.preventDefault(); copy(button); return; }
    const row = event.target.closest("tr.opens");
    if (row && !event.target.closest("a, button, input, label, summary") && !String(getSelection())) {
      const link = row.querySelector("a");
      if (link && (event.ctrlKey || event.metaKey)) window.open(link.href, "_blank", "noopener");
      else if (link) location.assign(link.href);
    }
  });

  // <input data-filter="#rows">: hides rows that do not hold every word; [data-filter-count] tells how many are left
  for (const box of document.querySelectorAll("input[data-filter]")) {
    const rows = [...document.querySelectorAll(`${box.dataset.filter} > *`)];
    const count = document.querySelector(`[data-filter-count="${box.dataset.filter}"]`);
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
        if (!row.hidden) shown += 1;
      }
      if (count) count.textContent = String(shown);
    });
  }

  // <form data-keep>: warn before leaving with unsaved changes
  for (const form of document.querySelectorAll("form[data-keep]")) {
    let changed = false;
    form.addEventListener("input", () => { changed = true; });
    form.addEventListener("submit", () => { changed = false; });
    window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  }

  // a form that acts is sent once, however often the button is pressed
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => { for (const form of document.forms) { delete form.dataset.sent; form.removeAttribute("aria-busy"); } });

  // <button type="button" data-check="fields"> ticks or clears every box of that name in its form
  for (const button of document.querySelectorAll("button[data-check]")) {
    button.addEventListener("click", () => {
      const boxes = [...button.form.elements].filter((each) => each.name === button.dataset.check && !each.disabled);
      const all = boxes.every((each) => each.checked);
      for (const each of boxes) each.checked = !all;
      button.form.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  // <form data-asks>: a [data-part] is shown while the ticks that it depends on are set, a [data-group] while it shows any part
  for (const form of document.querySelectorAll("form[data-asks]")) {
    const parts = [...form.querySelectorAll("[data-part]")];
    const groups = [...form.querySelectorAll("[data-group]")];
    const note = form.querySelector("[data-kind-now]");
    const chosen = (name) => [...form.elements].filter((each) => each.name === name && each.checked).map((each) => each.value);
    const any = (name, wanted) => chosen(name).some((each) => wanted.split(" ").includes(each));
    const picks = form.elements.namedItem("fields") !== null;
    const isAsked = ({ whenFields, whenBox, whenAnswer }) => {
      const [name, wanted] = (whenAnswer || "").split("=");
      return !(picks && whenFields && !any("fields", whenFields)) && !(picks && whenBox && !chosen(whenBox).length) && !(name && !any(name, wanted));
    };
    const follow = () => {
      for (const part of parts) part.hidden = !isAsked(part.dataset);
      for (const group of groups) {
        const inside = parts.filter((each) => group.contains(each));
        if (inside.length) group.hidden = inside.every((each) => each.hidden);
      }
      if (note) note.hidden = chosen("kind").includes(note.dataset.kindNow);
    };
    form.addEventListener("input", follow);
    follow();
  }

  // the chain bar shows where one is, on narrow screens too
  for (const here of document.querySelectorAll(".chain .here")) {
    const bar = here.parentElement;
    bar.scrollLeft = Math.max(0, here.offsetLeft - bar.clientWidth / 2 + here.clientWidth / 2);
  }

  // "/" goes to the search field, as in the tools that people know
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
    const box = document.querySelector("[data-search]");
    if (box && box.offsetParent) { event.preventDefault(); box.focus(); }
  });

  // [data-reload="milliseconds"]: what is still running is looked at again
  const running = document.querySelector("[data-reload]");
  if (running) setTimeout(() => location.reload(), Number(running.dataset.reload));

  // the summary of a form's errors takes the focus, so that readers of any kind meet it first
  const errors = document.querySelector(".errors");
  if (errors) errors.focus();
})();
