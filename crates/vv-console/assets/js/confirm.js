// Asks before a form with data-confirm is sent. Without this script the form
// is sent at once; the server decides what it accepts in either case.
for (const form of document.querySelectorAll("form[data-confirm]")) {
  let agreed = false;
  form.addEventListener("submit", (event) => {
    if (agreed) return;
    event.preventDefault();
    const submitter = event.submitter;
    const dialog = build(form.dataset);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "yes") {
        agreed = true;
        form.requestSubmit(submitter);
        agreed = false;
      } else {
        submitter?.focus();
      }
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function build({ confirm, confirmText, confirmLabel, confirmTone }) {
  const dialog = element("dialog", "dialog");
  const title = element("h2", "", confirm);
  title.id = "confirm-title";
  dialog.setAttribute("aria-labelledby", title.id);
  const form = element("form", "dialog-actions");
  form.method = "dialog";
  const no = element("button", "button button-quiet", "Cancel");
  no.value = "no";
  no.autofocus = true;
  const tone = confirmTone === "danger" ? "button-danger" : "button-primary";
  const yes = element("button", `button ${tone}`, confirmLabel ?? "Continue");
  yes.value = "yes";
  form.append(no, yes);
  dialog.append(title);
  if (confirmText) dialog.append(element("p", "", confirmText));
  dialog.append(form);
  return dialog;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
