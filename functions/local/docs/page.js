// Sends the page's forms, and writes the curl line of each. Nothing comes from, or goes to, another address.
"use strict";

const identity = document.getElementById("identity");
const own = document.getElementById("own");

// element makes an element with text in it: never HTML, since answers hold what anybody stored.
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// sender is who a form is sent as: who was chosen, or the first that has one of the scopes asked for.
function sender(form) {
  const chosen = identity.selectedOptions[0];
  if (chosen.value !== "") {
    return { name: chosen.text, variable: chosen.dataset.variable, token: "own" in chosen.dataset ? own.value.trim() : chosen.dataset.token };
  }
  const wanted = form.dataset.scopes.split(" ").filter(Boolean);
  const able = [...identity.options].filter((o) => o.dataset.token);
  const found = able.find((o) => wanted.length === 0 || wanted.some((scope) => o.dataset.scopes.split(" ").includes(scope))) || able[0];
  return { name: found.text, variable: found.dataset.variable, token: found.dataset.token };
}

// encode is encodeURIComponent, and also what a shell's double quotes don't take.
function encode(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
}

// requestOf is what the form says.
function requestOf(form) {
  let path = form.dataset.path;
  const query = [], headers = [];
  for (const field of form.querySelectorAll("[data-in]")) {
    if (field.dataset.in === "path") path = path.replace("{" + field.name + "}", encode(field.value));
    else if (field.value === "") continue;
    else if (field.dataset.in === "query") query.push(field.name + "=" + encode(field.value));
    else headers.push([field.name, field.value]);
  }
  const request = { method: form.dataset.method, path: path + (query.length ? "?" + query.join("&") : ""), headers, body: undefined, file: undefined };
  const body = form.querySelector(".body");
  if (!body) return request;
  request.file = form.querySelector(".file")?.files[0];
  if (request.file || body.value !== "") {
    request.body = request.file || body.value;
    headers.push(["Content-Type", request.file ? request.file.type || "application/octet-stream" : body.dataset.media]);
  }
  return request;
}

const quote = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

function curlOf(form) {
  const r = requestOf(form), who = sender(form);
  const parts = ["curl -s" + (r.method === "GET" ? "L" : " -X " + r.method)];
  if (!("public" in form.dataset)) parts.push(`-H "Authorization: Bearer $${who.variable}"`);
  for (const [name, value] of r.headers) parts.push("-H " + quote(name + ": " + value));
  if (r.file) parts.push("--data-binary " + quote("@" + r.file.name));
  else if (r.body !== undefined) parts.push("--data-raw " + quote(r.body));
  parts.push(`"$ARNGATE${r.path}"`);
  return parts.join(" \\\n  ");
}

function refresh(form) {
  form.querySelector(".curl").textContent = curlOf(form);
  const who = form.querySelector(".who");
  who.hidden = false;
  who.textContent = "public" in form.dataset ? "needs no token" : "as " + sender(form).name;
}

// layOut writes a JSON text into target, indented and coloured. It goes by the text: numbers stay as they were sent, which a browser's
// own would not.
function layOut(target, text) {
  const indent = (depth) => "\n" + "  ".repeat(depth);
  let depth = 0, out = "", empty = false;
  const flush = () => { if (out) target.append(out); out = ""; };
  const tokens = text.match(/"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g) || [];
  tokens.forEach((token, i) => {
    if (token === "}" || token === "]") { depth--; if (!empty) out += indent(depth); empty = false; out += token; return; }
    if (empty) { out += indent(depth); empty = false; }
    switch (token[0]) {
      case "{": case "[": depth++; empty = true; out += token; return;
      case ",": out += token + indent(depth); return;
      case ":": out += ": "; return;
    }
    flush();
    const kind = token[0] !== '"' ? (/^[-\d]/.test(token) ? "number" : "word") : tokens[i + 1] === ":" ? "name" : "string";
    target.append(element("span", "j-" + kind, token));
  });
  flush();
}

// isJSON says whether a text is JSON, so that what isn't is shown as it is.
function isJSON(text) {
  try { JSON.parse(text); return true; } catch { return false; }
}

async function send(form) {
  const result = form.querySelector(".result"), button = form.querySelector("[type=submit]");
  const r = requestOf(form);
  const headers = new Headers();
  button.disabled = true;
  result.replaceChildren(element("p", "type", "Sending ..."));
  const began = performance.now();
  try {
    for (const [name, value] of r.headers) headers.set(name, value);
    if (!("public" in form.dataset)) headers.set("Authorization", "Bearer " + sender(form).token);
    const answer = await fetch(r.path, { method: r.method, headers, body: r.body, redirect: "manual", cache: "no-store", credentials: "omit" });
    const bytes = await answer.arrayBuffer();
    show(result, answer, bytes, performance.now() - began);
  } catch (fault) {
    result.replaceChildren(element("p", "bad", "The request couldn't be sent: " + fault.message));
  } finally {
    button.disabled = false;
  }
}

function show(result, answer, bytes, took) {
  if (answer.type === "opaqueredirect") {
    result.replaceChildren(element("p", "hint", "307: a redirect to a presigned URL, which a page may not read here. The curl line follows it."));
    return;
  }
  const line = element("p", "outcome");
  line.append(element("span", "status " + (answer.ok ? "ok" : "bad"), answer.status + " " + answer.statusText),
    element("span", "type", Math.round(took) + " ms"), element("span", "type", bytes.byteLength.toLocaleString("en") + " bytes"));
  const headers = element("details", "more"), list = element("dl", "members");
  headers.append(element("summary", "", "Headers of the answer"), list);
  for (const [name, value] of answer.headers) list.append(element("dt", "", name), element("dd", "", value));
  result.replaceChildren(line, ...bodyOf(answer, bytes), headers);
}

function bodyOf(answer, bytes) {
  if (bytes.byteLength === 0) return [];
  const media = answer.headers.get("Content-Type") || "";
  let text;
  try { text = new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { text = undefined; }
  if (text === undefined) {
    const save = element("a", "", "Save the " + bytes.byteLength.toLocaleString("en") + " bytes");
    save.href = URL.createObjectURL(new Blob([bytes]));
    save.download = "answer";
    return [save];
  }
  const pre = element("pre");
  pre.tabIndex = 0;
  pre.setAttribute("aria-label", "Body of the answer");
  if (!/json/.test(media) || !isJSON(text)) { pre.textContent = text; return [pre]; }
  layOut(pre, text);
  const hint = JSON.parse(text)?.hint;
  return typeof hint === "string" ? [element("p", "hint", hint), pre] : [pre];
}

// arrive opens the operation that the address names.
function arrive() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (const link of document.querySelectorAll("nav [aria-current]")) link.removeAttribute("aria-current");
  if (!target?.matches(".operation")) return;
  target.open = true;
  target.scrollIntoView();
  document.querySelector(`nav a[href="#${CSS.escape(target.id)}"]`)?.setAttribute("aria-current", "true");
}

function filter(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (e) => wanted.every((word) => e.dataset.find.toLowerCase().includes(word));
  for (const link of document.querySelectorAll("nav li a")) link.parentElement.hidden = !fits(link);
  for (const operation of document.querySelectorAll(".operation")) operation.hidden = !fits(operation);
  for (const group of document.querySelectorAll("nav section:has(li), main .group:has(.operation)")) {
    group.hidden = !group.querySelector("li:not([hidden]), .operation:not([hidden])");
  }
  document.getElementById("none").hidden = Boolean(document.querySelector(".operation:not([hidden])"));
}

const forms = document.querySelectorAll("form.try");
for (const form of forms) {
  form.addEventListener("input", () => refresh(form));
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
  form.querySelector("[type=submit]").disabled = false;
  const copy = form.querySelector(".copy");
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(curlOf(form));
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  refresh(form);
}
identity.addEventListener("change", () => {
  const mine = "own" in identity.selectedOptions[0].dataset;
  own.hidden = !mine;
  document.querySelector("label[for=own]").hidden = !mine;
  forms.forEach(refresh);
});
for (const pre of document.querySelectorAll("pre.json")) {
  const text = pre.textContent;
  if (!isJSON(text)) continue;
  pre.textContent = "";
  layOut(pre, text);
}
document.querySelector(".filter").hidden = false;
document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
window.addEventListener("hashchange", arrive);
arrive();
