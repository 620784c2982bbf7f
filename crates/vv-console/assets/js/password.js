// Shows and hides passwords, and tells while typing what the server's policy
// thinks of a new one. The server decides again when the form is sent.
const PAUSE_MS = 250;
const LEVELS = ["Very weak", "Weak", "Fair", "Good", "Strong"];

for (const button of document.querySelectorAll("button[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    button.firstChild.data = show ? "Hide" : "Show";
  });
  // A visible password must not end up in the browser's form history.
  input.form.addEventListener("submit", () => {
    input.type = "password";
  });
}

const form = document.querySelector("form[data-password-check]");
if (form) watch(form);

function watch(form) {
  const password = form.querySelector("[data-password]");
  const meter = form.querySelector("[data-strength]");
  let timer;
  let request;

  const check = async () => {
    request?.abort();
    if (!password.value) {
      meter.hidden = true;
      return;
    }
    request = new AbortController();
    const body = { password: password.value };
    const email = form.elements.namedItem("email")?.value.trim();
    const username = form.elements.namedItem("display_name")?.value.trim();
    if (email) body.email = email;
    if (username) body.username = username;
    try {
      const answer = await fetch(form.dataset.passwordCheck, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(body),
        signal: request.signal,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      show(meter, await answer.json());
    } catch (error) {
      // No verdict is no obstacle: the form can be sent and is checked then.
      if (error.name !== "AbortError") meter.hidden = true;
    }
  };

  form.addEventListener("input", (event) => {
    if (event.target.type === "hidden") return;
    if (event.target !== password && !password.value) return;
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MS);
  });
}

function show(meter, { valid, score, errors, suggestions }) {
  const level = Math.min(5, Math.max(1, Math.ceil(Number(score) / 20)));
  meter.hidden = false;
  meter.dataset.level = String(level);
  meter.dataset.valid = String(valid === true);
  const verdict = valid ? "meets the policy" : "not accepted yet";
  meter.querySelector("[data-verdict]").textContent = `${LEVELS[level - 1]}, ${verdict}`;
  list(meter.querySelector("[data-missing]"), (errors ?? []).map((error) => error.message));
  list(meter.querySelector("[data-advice]"), suggestions ?? []);
}

function list(target, texts) {
  const unique = [...new Set(texts)].slice(0, 8);
  target.replaceChildren(
    ...unique.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
}
