// Puts new events on top of the list while they happen. The server sends
// finished rows, so they look like those that were there from the start.
// Without this script there is no button, and reloading does the same.
const MOST_ROWS = 500;
const PAUSE_MS = 1000;

const button = document.querySelector("[data-live-button]");
const table = document.querySelector("table[data-live]");
const status = document.querySelector("[data-live-status]");

if (button && table) start();

function start() {
  const body = table.tBodies[0];
  const label = button.querySelector("span");
  let source = null;
  let added = 0;
  let timer = 0;
  // Where the list ends at the top; the server goes on from there.
  let last = new URL(table.dataset.live, location.href).searchParams.get("after");

  const say = (text) => {
    status.textContent = text;
  };

  const count = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      say(`Live. ${added} new ${added === 1 ? "event" : "events"}.`);
    }, PAUSE_MS);
  };

  const show = (html) => {
    const made = document.createElement("template");
    made.innerHTML = html;
    for (const row of made.content.querySelectorAll("tr")) row.classList.add("row-new");
    // Oldest first as they come, newest on top in the list; after a lost
    // connection some may come twice.
    for (const row of [...made.content.children]) {
      if (body.querySelector(`tr[data-height="${row.dataset.height}"]`)) continue;
      body.prepend(row);
      added += 1;
    }
    while (body.rows.length > MOST_ROWS) body.rows[body.rows.length - 1].remove();
    count();
  };

  const pause = (words) => {
    source?.close();
    source = null;
    clearTimeout(timer);
    button.setAttribute("aria-pressed", "false");
    label.textContent = "Live";
    say(words);
  };

  const follow = () => {
    const address = new URL(table.dataset.live, location.href);
    if (last !== null) address.searchParams.set("after", last);
    source = new EventSource(address);
    button.setAttribute("aria-pressed", "true");
    label.textContent = "Pause";
    say("Connecting.");
    source.addEventListener("open", () => say("Live. Waiting for events."));
    source.addEventListener("rows", (event) => {
      last = event.lastEventId || last;
      show(event.data);
    });
    source.addEventListener("end", (event) => {
      if (event.data === "session_ended") pause("Your session has ended. Sign in again to go on.");
      if (event.data === "error") pause("The live list has ended. Reload the page to go on.");
    });
    // The browser connects again by itself and says where it stopped, unless
    // the server refused.
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) {
        pause("The live list has ended. Reload the page to go on.");
      } else {
        say("Connection lost, trying again.");
      }
    });
  };

  button.hidden = false;
  button.addEventListener("click", () => {
    if (source) pause(`Paused. ${added} new ${added === 1 ? "event" : "events"} so far.`);
    else follow();
  });
  addEventListener("pagehide", () => source?.close());
}
