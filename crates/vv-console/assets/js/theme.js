// Switches colours without loading the page again. Without this script the
// form posts and the server answers with the page in the chosen colours.
const form = document.querySelector("[data-theme-switch]");

form?.addEventListener("submit", async (event) => {
  const chosen = event.submitter;
  if (!chosen) return;
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form));
  data.set(chosen.name, chosen.value);
  const root = document.documentElement;
  const before = root.dataset.theme;
  show(chosen.value);
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, redirect: "manual" });
    // A redirect back to this page is the usual success and arrives opaque.
    if (!answer.ok && answer.type !== "opaqueredirect") show(before);
  } catch {
    show(before);
  }
});

function show(theme) {
  document.documentElement.dataset.theme = theme;
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}
