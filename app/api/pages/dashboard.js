"use strict";
// Data enter the page as text only (textContent), never as markup.

const $ = (id) => document.getElementById(id);
let key = sessionStorage.getItem("presend-key") || "";
let cursor = null;

function element(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined && text !== null) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function complain(message) {
  $("problem").textContent = message;
  $("problem").hidden = !message;
}

async function call(path, options = {}) {
  const headers = { Authorization: `Bearer ${key}`, ...(options.headers || {}) };
  const response = await fetch(path, { ...options, headers });
  const body = await response.json();
  if (!response.ok) {
    const faults = (body.errors || []).map((e) => `${e.path}: ${e.message}`).join("; ");
    throw new Error([body.title, body.detail, faults].filter(Boolean).join(" — "));
  }
  return body;
}

async function guarded(work) {
  complain("");
  try { await work(); } catch (error) { complain(error.message); }
}

async function readiness() {
  try {
    const state = await (await fetch("/readyz")).json();
    $("readiness").textContent = state.status === "ready" ? "ready" : `${state.status}: ${state.judge.ready ? state.database.detail : state.judge.detail}`;
  } catch {
    $("readiness").textContent = "the service does not answer";
  }
}

function bar(label, count, total, className) {
  const row = element("div", null, "bar");
  const progress = element("progress");
  progress.max = Math.max(total, 1);
  progress.value = count;
  row.append(element("span", label, className), progress, element("span", String(count)));
  return row;
}

async function summary() {
  const data = await call("/v1/summary?hours=24");
  const box = $("summary");
  box.replaceChildren(element("p", data.total ? `${data.total} verdicts, ${data.bypassed} decided without the judge's say.` : "No verdicts yet. Try a draft below."));
  for (const [action, count] of Object.entries(data.actions)) box.append(bar(action, count, data.total, action));
  for (const [outcome, count] of Object.entries(data.outcomes)) box.append(bar(outcome, count, data.total));
}

const fixed = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));

function row(verdict) {
  const line = element("tr");
  const failed = verdict.criteria.filter((c) => c.passed === false).map((c) => c.id).join(", ");
  line.append(
    element("td", new Date(verdict.created_at).toLocaleString()),
    element("td", verdict.action || "–", verdict.action),
    element("td", verdict.decision_source || "–"),
    element("td", verdict.outcome),
    element("td", fixed(verdict.p_fail, 2)),
    element("td", fixed(verdict.score, 2)),
    element("td", failed || "–"),
    element("td", fixed(verdict.latency_ms.total, 0)),
  );
  line.tabIndex = 0;
  const open = () => guarded(() => detail(verdict));
  line.addEventListener("click", open);
  line.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
  return line;
}

async function list(reset) {
  if (reset) cursor = null;
  const query = new URLSearchParams({ limit: "25" });
  for (const [name, value] of new FormData($("filters"))) if (value.trim()) query.set(name, value.trim());
  if (cursor) query.set("cursor", cursor);
  const page = await call(`/v1/verdicts?${query}`);
  const body = document.querySelector("#verdicts tbody");
  if (reset) body.replaceChildren();
  body.append(...page.items.map(row));
  cursor = page.next_cursor;
  $("more").hidden = !cursor;
}

// The evidence spans count characters as Python does: code points, not UTF-16 units.
function marked(text, spans) {
  const points = Array.from(text);
  const hit = new Array(points.length).fill(false);
  for (const span of spans) for (let i = span.start; i < span.end; i += 1) hit[i] = true;
  const nodes = [];
  for (let i = 0; i < points.length;) {
    let j = i;
    while (j < points.length && hit[j] === hit[i]) j += 1;
    const piece = points.slice(i, j).join("");
    nodes.push(hit[i] ? element("mark", piece) : document.createTextNode(piece));
    i = j;
  }
  return nodes;
}

async function detail(verdict) {
  const input = await call(`/v1/verdicts/${verdict.id}/input`);
  const spans = verdict.findings.flatMap((f) => f.evidence);
  const draft = $("draft");
  draft.replaceChildren();
  if (input.draft) {
    const subject = element("strong");
    subject.append(...marked(input.draft.subject, spans.filter((s) => s.field === "subject")));
    draft.append(subject, ...marked(input.draft.body, spans.filter((s) => s.field === "body")));
  } else {
    draft.textContent = "This service does not keep drafts.";
  }
  $("facts").textContent = input.context ? JSON.stringify(input.context, null, 2) : "–";
  $("detail-why").textContent = `${verdict.id} · ${verdict.action || "no action"} · ${verdict.outcome}${input.bypass ? ` · bypass: ${input.bypass}` : ""}${verdict.reason ? ` · “${verdict.reason}”` : ""}`;
  const findings = verdict.findings.map((f) => element("li", `${f.check} (${f.severity}): ${f.detail}`));
  $("findings").replaceChildren(...(findings.length ? findings : [element("li", "No rule objects.")]));
  const criteria = verdict.criteria.map((c) => {
    const line = element("tr");
    line.append(element("td", c.id), element("td", c.judged_by), element("td", c.passed === null ? "–" : c.passed ? "passes" : "fails", c.passed === false ? "revise" : ""), element("td", c.p_fail === null ? "" : `P(fail) ${fixed(c.p_fail, 2)}`), element("td", c.score === null ? "" : `score ${fixed(c.score, 2)}`));
    return line;
  });
  document.querySelector("#criteria tbody").replaceChildren(...criteria);
  $("judge").textContent = JSON.stringify({ judge: verdict.judge, rubric: verdict.rubric, usage: verdict.usage, latency_ms: verdict.latency_ms, raw_output: input.raw_output }, null, 2);
  $("detail").hidden = false;
  $("detail").scrollIntoView({ behavior: "smooth" });
}

async function refresh() {
  await summary();
  await list(true);
}

$("key").value = key;
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value.trim();
  sessionStorage.setItem("presend-key", key);
  guarded(refresh);
});
$("filters").addEventListener("submit", (event) => { event.preventDefault(); guarded(() => list(true)); });
$("more").addEventListener("click", () => guarded(() => list(false)));
$("send").addEventListener("click", () => guarded(async () => {
  $("send").disabled = true;
  try {
    const answer = await call("/v1/gate", { method: "POST", headers: { "Content-Type": "application/json" }, body: $("try").value });
    await refresh();
    await detail(answer.verdict);
    $("detail-why").textContent = `${answer.action}: ${answer.why}`;
  } finally {
    $("send").disabled = false;
  }
}));
readiness();
setInterval(readiness, 5000);
if (key) guarded(refresh);
