/**
 * What the page does. It draws only the rows that are in sight, and puts text into it as text: nothing that a peer wrote
 * becomes markup.
 */
export const script = `"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

// A list of rows of one height; only those in sight are elements.
const virtualList = (box, height, draw) => {
  const sheet = box.appendChild(make("div"));
  let items = [];
  let selected = -1;
  let choose = () => {};
  const render = () => {
    const from = Math.max(0, Math.floor(box.scrollTop / height) - 8);
    const to = Math.min(items.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + 8);
    sheet.replaceChildren();
    for (let i = from; i < to; i++) {
      const row = draw(items[i], i);
      row.classList.add("item");
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(i === selected));
      row.setAttribute("aria-setsize", String(items.length));
      row.setAttribute("aria-posinset", String(i + 1));
      row.style.top = i * height + "px";
      row.dataset.row = String(i);
      sheet.appendChild(row);
    }
  };
  const select = (i) => {
    if (i < 0 || i >= items.length) return;
    selected = i;
    if (i * height < box.scrollTop) box.scrollTop = i * height;
    if ((i + 1) * height > box.scrollTop + box.clientHeight) box.scrollTop = (i + 1) * height - box.clientHeight;
    render();
    choose(items[i]);
  };
  box.addEventListener("scroll", render);
  new ResizeObserver(render).observe(box);
  box.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row) select(Number(row.dataset.row));
  });
  const page = () => Math.max(1, Math.floor(box.clientHeight / height) - 1);
  const moves = { ArrowDown: () => 1, ArrowUp: () => -1, PageDown: page, PageUp: () => -page(), Home: () => -items.length, End: () => items.length };
  box.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (!move || items.length === 0) return;
    event.preventDefault();
    select(Math.min(items.length - 1, Math.max(0, selected + move())));
  });
  return {
    onSelect: (next) => { choose = next; },
    select,
    show: (next, at) => {
      items = next;
      selected = at;
      sheet.style.height = items.length * height + "px";
      box.scrollTop = at < 0 ? 0 : Math.max(0, at * height - box.clientHeight / 2);
      render();
    }
  };
};

const [TIME, DIRECTION, OFFSET, SIZE, TAG, DETAIL, MODE, FIELDS, ERROR, WIRE, PLAIN] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const directions = ["c2s", "s2c"];
const quiet = ["ACK", "KEEPALIVE2", "KEEPALIVE2_ACK"];
const tone = (name) =>
  name === "MESSAGE" ? "message" : quiet.includes(name) ? "quiet" : name.startsWith("AUTH") ? "auth" : name === "unknown" ? "error" : "session";
// Rows count from the first frame, people from the first packet.
const seconds = (frame) => (frame[TIME] + data.start).toFixed(6);
const wanted = new Set();
let frame = null;
let conversation = null;

const isWanted = (frame) =>
  wanted.size === 0 || wanted.has(data.tags[frame[TAG]]) || (wanted.has("errors") && frame[ERROR] !== 0);

const conversations = virtualList(byId("conversations"), 62, (one) => {
  const row = make("div");
  row.append(make("div", "", "#" + one.index + "  " + one.client), make("div", "", "\\u2192 " + one.server));
  const small = row.appendChild(make("small"));
  if (one.errors > 0) small.appendChild(make("span", "bad", one.errors + (one.errors === 1 ? " error \\u00b7 " : " errors \\u00b7 ")));
  const all = one.frames.length;
  small.append(one.shown + (one.shown === all ? "" : " of " + all) + (all === 1 ? " frame \\u00b7 " : " frames \\u00b7 ") + one.about + (one.notes.length === 0 ? "" : " \\u00b7 note"));
  row.title = one.client + " \\u2192 " + one.server;
  return row;
});

const frames = virtualList(byId("frames"), 28, (frame) => {
  const name = data.tags[frame[TAG]];
  const row = make("div", directions[frame[DIRECTION]] + " " + (frame[ERROR] === 0 ? tone(name) : "error"));
  row.appendChild(make("div", "time", seconds(frame)));
  const wire = row.appendChild(make("div", "wire"));
  const label = make("div", "label");
  label.append(make("b", "", name), " ", make("span", "", (frame[SIZE] === 0 ? "" : frame[SIZE] + " B") + (frame[DETAIL] === "" ? "" : " \\u00b7 " + frame[DETAIL])));
  label.title = frame[DETAIL];
  wire.append(label, make("div", "head"));
  return row;
});

const dump = (bytes) => {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = Array.from(bytes.slice(at, at + 16));
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0"));
    const text = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(at.toString(16).padStart(4, "0") + "  " + hex.slice(0, 8).join(" ").padEnd(23) + "  " + hex.slice(8).join(" ").padEnd(23) + "  " + text);
  }
  return lines.join("\\n");
};
const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const dumpInto = (pane, title, text, size) => {
  const bytes = fromBase64(text);
  const cut = bytes.length < size ? ", the first " + bytes.length + " of " + size + " bytes" : ", " + size + " bytes";
  pane.append(make("h3", "", title + cut), make("pre", "dump", dump(bytes)));
};

const table = (pane, rows) => {
  const body = pane.appendChild(make("table")).appendChild(make("tbody"));
  for (const [name, value] of rows) {
    const row = body.appendChild(make("tr"));
    row.appendChild(make("th", "", name)).scope = "row";
    const cell = row.appendChild(make("td"));
    if (value !== null && typeof value === "object") cell.appendChild(make("pre", "", JSON.stringify(value, null, 2)));
    else cell.textContent = String(value);
    if (/^[0-9a-f]{32,}$/.test(cell.textContent)) cell.className = "hex";
  }
};

const showFrame = (one) => {
  frame = one;
  const pane = byId("details");
  pane.replaceChildren();
  pane.scrollTop = 0;
  if (!one) {
    const none = "No connection of this capture begins with the banner of msgr2.";
    pane.appendChild(make("p", "empty", data.conversations.length === 0 ? none : "Click a frame to see its fields and bytes."));
    return;
  }
  pane.appendChild(make("h2", "", data.tags[one[TAG]]));
  if (one[ERROR] !== 0) pane.appendChild(make("p", "bad", one[ERROR]));
  table(pane, [
    ["from", one[DIRECTION] === 0 ? conversation.client : conversation.server],
    ["to", one[DIRECTION] === 0 ? conversation.server : conversation.client],
    ["time", seconds(one) + " s"],
    ["offset", one[OFFSET]],
    ["bytes", one[ERROR] !== 0 && one[SIZE] === 0 ? "not known" : one[SIZE]],
    ["sent", one[MODE]]
  ]);
  const fields = Object.entries(one[FIELDS]);
  if (fields.length > 0) {
    pane.appendChild(make("h3", "", "Fields"));
    table(pane, fields);
  }
  if (one[PLAIN] !== 0) for (const [title, text, size] of one[PLAIN]) dumpInto(pane, title, text, size);
  if (one[WIRE] === 0) pane.appendChild(make("p", "empty", "The page has no room for the bytes of this frame."));
  else dumpInto(pane, "On the wire", one[WIRE], one[SIZE] === 0 ? fromBase64(one[WIRE]).length : one[SIZE]);
};

const showConversation = (one) => {
  const isNew = conversation !== one;
  conversation = one;
  byId("client").textContent = one ? "client " + one.client : "";
  byId("about").textContent = one ? one.about + (one.closed ? ", " + one.closed : "") : "";
  byId("server").textContent = one ? "server " + one.server : "";
  byId("notes").replaceChildren(...(one ? one.notes.map((note) => make("li", "", note)) : []));
  const list = one ? one.frames.filter(isWanted) : [];
  if (isNew) showFrame(null);
  frames.show(list, list.indexOf(frame));
};

const filter = () => {
  const words = byId("search").value.toLowerCase().split(" ").filter((word) => word !== "");
  const listed = data.conversations.filter((one) => {
    one.shown = wanted.size === 0 ? one.frames.length : one.frames.filter(isWanted).length;
    const text = ("#" + one.index + " " + one.client + " " + one.server + " " + one.about + (one.notes.length === 0 ? "" : " note")).toLowerCase();
    return one.shown > 0 && words.every((word) => text.includes(word));
  });
  const at = Math.max(0, listed.indexOf(conversation));
  conversations.show(listed, listed.length === 0 ? -1 : at);
  showConversation(listed[at]);
};

const counts = new Map();
let errors = 0;
for (const one of data.conversations) {
  one.errors = 0;
  for (const frame of one.frames) {
    const name = data.tags[frame[TAG]];
    counts.set(name, (counts.get(name) || 0) + 1);
    if (frame[ERROR] !== 0) one.errors++;
  }
  errors += one.errors;
}
const addTag = (name, count, className) => {
  const button = byId("tags").appendChild(make("button", className, name + " " + count));
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const on = !wanted.delete(name);
    if (on) wanted.add(name);
    button.setAttribute("aria-pressed", String(on));
    filter();
  });
};
for (const name of data.tags) addTag(name, counts.get(name) || 0, tone(name));
if (errors > 0) addTag("errors", errors, "error");
byId("search").addEventListener("input", filter);
frames.onSelect(showFrame);
conversations.onSelect(showConversation);
filter();
showFrame(null);
`
