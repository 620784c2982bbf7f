// Opens the export form in a dialog instead of on a page of its own. Without
// this script, or when anything fails, the link leads to that page.
for (const link of document.querySelectorAll("a[data-dialog]")) {
  link.addEventListener("click", async (event) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const answer = await fetch(link.href, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const panel = page.querySelector(`[data-panel="${link.dataset.dialog}"]`);
      if (!answer.ok || !panel) throw new Error(String(answer.status));
      open(panel, link);
    } catch {
      location.assign(link.href);
    }
  });
}

function open(panel, link) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog dialog-wide";
  // The page has fields of the same names; ids stay unique with a prefix.
  for (const element of panel.querySelectorAll("[id], [for], [aria-describedby]")) {
    for (const name of ["id", "for", "aria-describedby"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, `dialog-${value}`);
    }
  }
  const title = panel.querySelector("h2");
  if (title) dialog.setAttribute("aria-labelledby", title.id);
  panel.querySelector("[data-close]")?.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  // The download leaves the page where it is.
  panel.querySelector("form")?.addEventListener("submit", () => setTimeout(() => dialog.close()));
  dialog.append(panel);
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}
