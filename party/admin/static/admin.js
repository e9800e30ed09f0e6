// The admin's page. What it shows is made by the server, which escapes what others have written.

const TOKEN = "party-admin-token";
const { base } = document.body.dataset;
const at = (id) => document.getElementById(id);

/** Ask for something with the token; what came, as text. Throws an `Error` whose message is for people. */
async function ask(path, method = "GET", body = undefined) {
  const answer = await fetch(`${base}${path}`, {
    method,
    body: body && JSON.stringify(body),
    headers: { Authorization: `Bearer ${sessionStorage.getItem(TOKEN)}`, "Content-Type": "application/json" },
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  const text = await answer.text();
  if (answer.ok) return text;
  if (answer.status === 401) leave();
  throw new Error(JSON.parse(text).error.message);
}

/** Do something, and tell what went wrong or has been done. */
async function trying(work, done = "") {
  try {
    await work();
    at("notice").textContent = done;
  } catch (error) {
    at("notice").textContent = error.message;
  }
}

const show = (id, path, method) => trying(async () => (at(id).innerHTML = await ask(path, method)));

function leave() {
  sessionStorage.removeItem(TOKEN);
  for (const id of ["overview", "room", "doctor"]) at(id).replaceChildren();
  at("inside").hidden = true;
  at("enter").hidden = false;
}

const enter = () =>
  trying(async () => {
    at("overview").innerHTML = await ask("/overview");
    at("inside").hidden = false;
    at("enter").hidden = true;
  });

at("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, at("token").value);
  at("token").value = "";
  enter();
});
at("leave").addEventListener("click", leave);
at("reload").addEventListener("click", enter);
at("examine").addEventListener("click", () => show("doctor", "/doctor"));
at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  show("room", `/rooms/${encodeURIComponent(at("code").value)}`);
});
at("ban").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = { address: at("address").value, minutes: Number(at("minutes").value) };
  trying(() => ask("/bans", "POST", body), `${body.address} is kept out.`);
});
document.addEventListener("click", ({ target }) => {
  const { room, names, end } = target.dataset;
  if (room) show("room", `/rooms/${room}`);
  if (names) show("room", `/rooms/${names}/names`, "POST");
  if (end && confirm(`End room ${end}?`)) {
    trying(async () => {
      await ask(`/rooms/${end}/end`, "POST");
      at("room").innerHTML = await ask(`/rooms/${end}`);
    }, `${end} has ended.`);
  }
});

if (sessionStorage.getItem(TOKEN)) enter();
else leave();
