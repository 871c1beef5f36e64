// The page: what was understood is shown as chips, and each change is searched at once. No framework, no build.

const $ = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const PAGE = 12;
const state = { sentence: "", chips: [], edited: false, others: 0, image: null, served: null, key: sessionStorage.getItem("key") };
const next = { plain: null, ours: null };
let running = new AbortController();

class Problem extends Error {
  constructor(detail, status, id) { super(detail); this.status = status; this.id = id; }
}

async function fetched(path, options = {}) {
  const headers = state.key ? { authorization: `Bearer ${state.key}` } : {};
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...headers, ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer: is it still running?", 0);
  }
  if (answer.status === 401) { await askForKey(headers.authorization); return fetched(path, options); }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Problem(said.detail || `The server answered ${answer.status}.`, answer.status, said.request_id);
  }
  return answer;
}
const got = async (path) => (await fetched(path)).json();
const asked = async (path, body, signal) =>
  (await fetched(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" }, signal })).json();

let keyAsked = null;
function askForKey(refused) {
  if (state.key && refused !== `Bearer ${state.key}`) return Promise.resolve(); // another request has brought one
  keyAsked ??= new Promise((resolve) => {
    $("key-wrong").hidden = !refused;
    $("key-form").addEventListener("submit", () => {
      state.key = encodeURI($("key").value.trim()); // what no header can hold is no key of the server either
      sessionStorage.setItem("key", state.key);
      $("key").value = "";
      keyAsked = null;
      resolve();
    }, { once: true });
    $("key-dialog").showModal();
  });
  return keyAsked;
}
$("key-dialog").addEventListener("cancel", (event) => event.preventDefault()); // nothing is shown without one

// ---- what is asked -------------------------------------------------------------------------------

const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;
const wanted = () => state.chips.filter((chip) => !chip.not).map((chip) => chip.text);
const unwanted = () => state.chips.filter((chip) => chip.not);

function sentenceNow() {
  if (!state.edited) return state.sentence;
  const denied = unwanted().map((chip) => chip.text).join(" or ");
  return [wanted().join(" and "), denied && `without ${denied}`].filter(Boolean).join(" ");
}

function bodies() {
  const told = state.chips.map((chip) => chip.text);
  const image = state.image ? { image: state.image.base64 } : {};
  const halves = { ...image, wanted: wanted(), without: unwanted().map(({ text, weight }) => ({ text, weight })), others: state.others };
  const plain = { ...image, query: sentenceNow(), score: "cosine", told, limit: PAGE, model: state.served?.base ? "base" : "index" };
  const cosine = chosen("score") === "cosine";
  const ours = cosine
    ? { ...image, query: sentenceNow(), score: "cosine", told, limit: PAGE }
    : { ...halves, score: chosen("score"), strength: Number($("strength").value), limit: PAGE };
  const without = { ...halves, score: "gate", strength: 0, limit: 2 * PAGE };
  return { plain, ours, without: unwanted().length && !cosine && (wanted().length || state.image) ? without : null };
}

const BESIDES = " and something else";

async function read() {
  state.sentence = $("query").value.trim();
  state.edited = false;
  state.others = 0;
  state.chips = [];
  if (state.sentence) {
    const [reading] = (await asked("v1/read", { sentences: [state.sentence], reader: chosen("reader") })).readings;
    const denied = reading.negated.filter((text) => text !== "something else");
    // "only a dog" denies all else, "not only a dog" asks for more
    const more = reading.affirmed !== state.sentence && reading.affirmed.endsWith(BESIDES);
    state.others = denied.length < reading.negated.length ? -1 : more ? 1 : 0;
    const affirmed = (more ? reading.affirmed.slice(0, -BESIDES.length) : reading.affirmed) || (denied.length ? "" : state.sentence);
    state.chips = [
      ...(affirmed ? [{ text: affirmed, not: false, weight: 1 }] : []),
      ...denied.map((text) => ({ text, not: true, weight: 1 })),
    ];
  }
  const hash = state.sentence ? `#q=${encodeURIComponent(state.sentence)}` : "#search";
  if (location.hash !== hash) history.replaceState(null, "", hash);
}

async function submit() {
  try {
    await read();
    drawChips();
    await run();
  } catch (error) { told(error); }
}

async function run() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  if (!state.chips.length && !state.image) { nothingAsked(); return; }
  $("results").classList.add("busy");
  try {
    const body = bodies();
    const [plain, ours, all] = await Promise.all(
      [body.plain, body.ours, body.without].map((each) => each && asked("v1/search", each, signal)));
    $("problem").hidden = true;
    drawColumn("plain", plain, body.plain, sentenceNow() ? `“${sentenceNow()}”, as one text` : "your image alone");
    drawColumn("ours", ours, body.ours, chosen("score") === "cosine" ? `“${sentenceNow()}”, as one text` : ours.understood);
    drawExcluded(ours, all);
    $("status").textContent = `${ours.results.length} images for ${ours.understood}. ${$("ours").querySelector(".tally").textContent}`;
  } catch (error) {
    if (error.name !== "AbortError") told(error);
  } finally {
    if (!signal.aborted) $("results").classList.remove("busy");
  }
}

// Moves of the slider: one search at a time, and the last position is always searched.
let moving = false, again = false;
async function rescore() {
  if (moving) { again = true; return; }
  moving = true;
  do { again = false; await run(); } while (again);
  moving = false;
}

// ---- what is shown -------------------------------------------------------------------------------

function drawChips() {
  $("understood").hidden = !state.chips.length && !state.image;
  const focus = document.activeElement?.dataset?.focus;
  $("chips").replaceChildren(...state.chips.map((chip, place) => {
    const turn = make("button", { type: "button", className: "turn", textContent: chip.text });
    turn.setAttribute("aria-label", `${chip.not ? "Not wanted" : "Wanted"}: ${chip.text}. Turn round`);
    turn.dataset.focus = `turn-${place}`;
    turn.onclick = () => edit(() => { chip.not = !chip.not; chip.weight = 1; });
    const off = make("button", { type: "button", className: "off", textContent: "×" });
    off.setAttribute("aria-label", `Leave out ${chip.text}`);
    off.onclick = () => edit(() => state.chips.splice(place, 1));
    const parts = [turn];
    if (chip.not) {
      const weigh = make("select", {}, ...[0.25, 0.5, 1, 2, 4].map((weight) =>
        make("option", { value: weight, textContent: `×${weight}`, selected: weight === chip.weight })));
      weigh.setAttribute("aria-label", `How much ${chip.text} counts`);
      weigh.dataset.focus = `weigh-${place}`;
      weigh.onchange = () => { chip.weight = Number(weigh.value); run(); };
      parts.push(weigh);
    }
    return make("li", { className: chip.not ? "chip not" : "chip" }, ...parts, off);
  }));
  if (focus) document.querySelector(`[data-focus="${focus}"]`)?.focus();
  const idle = !unwanted().length || ["filter", "cosine"].includes(chosen("score"));
  $("strength").disabled = idle;
  $("strength").closest(".strength").classList.toggle("idle", idle);
}

function edit(change) {
  change();
  state.edited = true;
  $("query").value = sentenceNow();
  drawChips();
  run();
}

function shownDenied(found) {
  return unwanted().filter(({ text }) => found.presence[text]?.truth === true).map(({ text }) => text);
}

function fits(found) {
  const truths = state.chips.map((chip) => [chip.not, found.presence[chip.text]?.truth]);
  if (state.others && found.presence["something else"]?.truth !== state.others > 0) return false;
  return truths.length > 0 && truths.every(([not, truth]) => truth === !not);
}

function shown(image, what) {
  if (typeof what === "string") { image.src = what; return; }
  image.onload = () => URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(what);
}

async function source(image, id, size = "small") {
  const path = `v1/images/${id}?size=${size}`;
  try {
    shown(image, state.key ? await (await fetched(path)).blob() : path);
  } catch { image.dispatchEvent(new Event("error")); }
}

function tile(found) {
  const denied = shownDenied(found);
  const image = make("img", { alt: "", width: 256, height: 256, loading: "lazy", decoding: "async" });
  const frame = make("span", { className: "frame" }, image);
  image.onerror = () => { image.replaceWith(make("span", { className: "missing", textContent: "changed or gone since it was indexed" })); };
  source(image, found.id);
  if (denied.length) frame.append(make("span", { className: "mark" }, make("span", { textContent: "shows " }), denied.join(", ")));
  else if (fits(found)) frame.append(make("span", { className: "tick", textContent: "✓", ariaHidden: "true" }));
  const bar = make("i");
  bar.style.width = `${Math.round(100 * found.score)}%`;
  const name = found.path.split("/").pop();
  const button = make("button", { type: "button", className: denied.length ? "tile shows" : "tile" }, frame,
    make("span", { className: "bar-score", ariaHidden: "true" }, bar),
    make("span", { className: "caption" }, make("span", { textContent: name }), make("span", { textContent: found.score.toFixed(2) })));
  button.setAttribute("aria-label", `${name}, score ${found.score.toFixed(2)}${denied.length ? `, shows ${denied.join(", ")}` : fits(found) ? ", as asked" : ""}`);
  button.onclick = () => detail(found);
  return make("li", {}, button);
}

function empty(title, text) {
  return make("li", { className: "empty" }, make("b", { textContent: title }), text);
}

function drawColumn(name, answer, body, said) {
  const column = $(name), tiles = column.querySelector(".tiles");
  column.querySelector(".asked").textContent = said;
  tiles.replaceChildren(...answer.results.map(tile));
  if (!answer.results.length) {
    const full = state.served?.images;
    tiles.append(full ? empty("Nothing is left", "Everything was excluded: lower a weight, drop a chip, or take the score Gate.")
      : empty("This index holds no images", "Bring it up to date: omninegclip index FOLDER --db DB"));
  } else if (!answer.likely && name === "ours") {
    tiles.prepend(make("li", { className: "note", textContent: "Probably nothing here is quite that; these come closest." }));
  }
  tally(column, answer.results);
  const more = column.querySelector(".more");
  next[name] = answer.next;
  more.hidden = !answer.next;
  more.onclick = async () => {
    try {
      const page = await asked("v1/search", { ...body, cursor: next[name] });
      const begin = tiles.children.length;
      tiles.append(...page.results.map(tile));
      next[name] = page.next;
      more.hidden = !page.next;
      tiles.children[begin]?.firstChild.focus();
    } catch (error) { told(error); }
  };
}

function tally(column, results) {
  const known = results.filter((found) => unwanted().some(({ text }) => typeof found.presence[text]?.truth === "boolean"));
  const place = column.querySelector(".tally");
  if (!known.length) { place.textContent = ""; return; }
  const bad = known.filter((found) => shownDenied(found).length).length;
  const names = unwanted().map(({ text }) => text).join(" or ");
  place.textContent = bad ? `${bad} of ${known.length} show ${names}` : `none shows ${names}`;
  place.className = bad ? "tally bad" : "tally good";
}

function drawExcluded(ours, all) {
  const kept = new Set(ours.results.map((found) => found.id));
  const shown = (found) => unwanted().some(({ text }) => found.presence[text]?.probability >= 0.5);
  const left = all ? all.results.filter((found) => !kept.has(found.id) && shown(found)) : [];
  $("excluded").hidden = !left.length;
  $("excluded-count").textContent = `(${left.length})`;
  $("excluded").querySelector(".tiles").replaceChildren(...left.map(tile));
}

function nothingAsked() {
  $("understood").hidden = true;
  $("problem").hidden = true;
  for (const name of ["plain", "ours"]) {
    const column = $(name);
    column.querySelector(".asked").textContent = column.querySelector(".tally").textContent = "";
    column.querySelector(".more").hidden = true;
    column.querySelector(".tiles").replaceChildren(empty("Ask for something", "Type a sentence, take an example, or drop an image."));
  }
  $("excluded").hidden = true;
}

function told(error) {
  const place = $("problem");
  place.replaceChildren(error.message);
  if (error.id) place.append(make("small", { textContent: `Request ${error.id}` }));
  if (!error.status || error.status === 503) {
    place.append(make("br"), make("button", { type: "button", textContent: "Try again", onclick: () => submit() }));
  }
  place.hidden = false;
  $("results").classList.remove("busy");
  if (!(error instanceof Problem)) console.error(error);
}

function detail(found) {
  $("detail-title").textContent = found.path;
  $("detail-image").alt = found.path;
  source($("detail-image"), found.id, "large");
  $("detail-presence").replaceChildren(...Object.entries(found.presence).flatMap(([text, each]) => {
    const meter = make("meter", { min: 0, max: 1, value: each.probability });
    meter.setAttribute("aria-label", `Probability that it shows ${text}`);
    const truth = each.truth === null ? "" : each.truth ? ", and it does" : ", and it does not";
    return [make("dt", { textContent: text }), make("dd", {}, meter, `${(100 * each.probability).toFixed(0)} %${truth}`)];
  }));
  $("detail-facts").replaceChildren(...Object.entries(found.facts).filter(([, value]) => value !== null)
    .flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]));
  $("detail").showModal();
}

// ---- an image of one's own -----------------------------------------------------------------------

async function take(file) {
  if (!file) return;
  try {
    const small = await shrunk(file);
    const url = await new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(new Problem(`Can't read ${file.name}.`, 1));
      reader.readAsDataURL(small);
    });
    const before = state.image;
    state.image = { base64: url.slice(url.indexOf(",") + 1) };
    try {
      // asked first, so that what is no image is told and not kept
      await asked("v1/search", { image: state.image.base64, limit: 1 });
    } catch (error) { state.image = before; throw error; }
    $("dropped-image").src = URL.createObjectURL(small);
    $("dropped").hidden = false;
    if (!$("query").value.trim()) state.chips = [];
    drawChips();
    await run();
  } catch (error) { told(error); }
  $("file").value = "";
}

async function shrunk(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, 1024 / Math.max(bitmap.width, bitmap.height));
    if (scale === 1 && file.size < 2 ** 20) return file;
    const canvas = make("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  } catch { return file; } // the server says what is wrong with it, or reads what a browser can't
}

// ---- evaluation ----------------------------------------------------------------------------------

function table(rows) {
  const [header, ...body] = rows;
  return make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Table" }, make("table", {},
    make("thead", {}, make("tr", {}, ...header.map((cell) => make("th", { textContent: cell, scope: "col" })))),
    make("tbody", {}, ...body.map((row) => make("tr", {}, ...row.map((cell) => make("td", { textContent: cell })))))));
}

function figures(value, name = "") {
  if (value === null || typeof value !== "object") return [[name, typeof value === "number" ? Number(value.toPrecision(5)) : String(value)]];
  return Object.entries(value).flatMap(([key, each]) => figures(each, name ? `${name} · ${key}` : key));
}

function cells(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") { if (!end) break; rows.push([]); }
  }
  return rows.filter((row) => row.some(Boolean));
}

async function drawEvaluation() {
  const names = state.served?.evaluation ?? [];
  if (!names.length) {
    $("evaluation").replaceChildren(make("div", { className: "empty" }, make("b", { textContent: "No evaluation is shown" }),
      "Start the server with --report and a folder that quickstart, study or leaderboard wrote, as --report runs/quickstart."));
    return;
  }
  const sheets = await Promise.all(names.map(async (name) => {
    const path = `v1/evaluation/${encodeURIComponent(name)}`, sheet = make("section", { className: "sheet" }, make("h2", { textContent: name }));
    try {
      if (name.endsWith(".html")) {
        const srcdoc = await (await fetched(path)).text(); // a frame that asks by itself would send no key
        sheet.append(make("iframe", { srcdoc, title: name, sandbox: "" }));
      } else if (name.endsWith(".png")) {
        const image = make("img", { alt: `Plot ${name}` });
        shown(image, await (await fetched(path)).blob());
        sheet.append(image);
      } else if (name.endsWith(".csv")) sheet.append(table(cells(await (await fetched(path)).text())));
      else sheet.append(table([["figure", "value"], ...figures(await (await fetched(path)).json()).slice(0, 400)]));
    } catch (error) { sheet.append(make("p", { className: "quiet", textContent: `It can't be shown: ${error.message}` })); }
    return sheet;
  }));
  sheets.sort((a, b) => b.querySelectorAll("iframe, img").length - a.querySelectorAll("iframe, img").length);
  $("evaluation").replaceChildren(...sheets);
}

// ---- the whole -----------------------------------------------------------------------------------

function show(view) {
  for (const name of ["search", "evaluation"]) {
    $(`view-${name}`).hidden = name !== view;
    if (name === view) $(`tab-${name}`).setAttribute("aria-current", "page");
    else $(`tab-${name}`).removeAttribute("aria-current");
  }
  if (view === "evaluation") drawEvaluation();
}

function route() {
  if (location.hash === "#evaluation") { show("evaluation"); return; }
  show("search");
  const query = location.hash.startsWith("#q=") ? decodeURIComponent(location.hash.slice(3)) : state.sentence || state.served?.examples[0] || "";
  if (query !== state.sentence || !$("ours").querySelector(".tiles").children.length) { $("query").value = query; submit(); }
}

$("form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("strength").addEventListener("input", () => { $("strength-value").textContent = Number($("strength").value).toFixed(1); rescore(); });
for (const radio of document.querySelectorAll("input[name=score]")) radio.addEventListener("change", () => { drawChips(); run(); });
for (const radio of document.querySelectorAll("input[name=reader]")) radio.addEventListener("change", submit);
$("file").addEventListener("change", () => take($("file").files[0]));
$("drop-image").addEventListener("click", () => { state.image = null; $("dropped").hidden = true; drawChips(); run(); $("query").focus(); });
addEventListener("hashchange", route);
addEventListener("dragover", (event) => { event.preventDefault(); $("drop").hidden = false; });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").hidden = true; });
addEventListener("drop", (event) => { event.preventDefault(); $("drop").hidden = true; take(event.dataTransfer.files[0]); });
addEventListener("paste", (event) => take([...event.clipboardData.files][0]));
addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    $("query").select();
  }
});

try {
  state.served = await got("v1/index");
  $("served").textContent = `${state.served.name} · ${state.served.images.toLocaleString("en")} images · ${state.served.model}`;
  if (state.served.base) $("plain-title").textContent = `Plain CLIP (${state.served.base})`;
  $("examples").replaceChildren(...state.served.examples.map((text) =>
    make("button", { type: "button", textContent: text, onclick: () => { $("query").value = text; submit(); } })));
  route();
} catch (error) { told(error); }
