// Asking findata's API. What belongs here: requests, the key, problems, columns. What does not: what is done with rows.

const COLUMNS = "application/vnd.findata.columns+json";
const MOST_PAGES = 20;
const KEY = "findata.api_key";

/** A request that failed, in the words of the server: problem+json's detail and next_step. */
export class Problem extends Error {
  constructor(status, title, detail, nextStep) {
    super(detail || title);
    Object.assign(this, { status, title, detail, nextStep });
  }
}

let askForKey = async () => null;

/** Say how the user is asked for a key: an async function of the problem that returns one, or null. */
export function onUnauthorized(ask) {
  askForKey = ask;
}

export function keepKey(key) {
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    /* a browser that keeps nothing asks again */
  }
  heldKey = key;
}

let heldKey = readKey();

function readKey() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function authorization() {
  return heldKey ? { Authorization: `Bearer ${heldKey}` } : {};
}

/** GET a path as it is answered in JSON. Parameters that are null or "" are left out. */
export async function get(path, parameters = {}, { signal, accept = "application/json" } = {}) {
  const query = new URLSearchParams(
    Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== ""),
  );
  const text = query.toString();
  const url = text ? `${path}?${text}` : path;
  const answer = await fetched(url, { signal, headers: { Accept: accept, ...authorization() } });
  if (answer.ok) return answer.json();
  const problem = await problemOf(answer);
  if (answer.status === 401) {
    const key = await askForKey(problem);
    if (key) {
      keepKey(key);
      return get(path, parameters, { signal, accept });
    }
  }
  throw problem;
}

async function fetched(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(
      0,
      "No answer",
      "The server does not answer.",
      "Look at findata status; findata demo or findata up --serving starts it. Then try again.",
    );
  }
}

async function problemOf(answer) {
  const said = await answer.json().catch(() => ({}));
  const title = said.title || answer.statusText || `Status ${answer.status}`;
  return Object.assign(new Problem(answer.status, title, said.detail, said.next_step), { said });
}

/** GET columns: {columns: {name: [...]}, next_cursor, as_of, ...}. */
export function columns(path, parameters, options = {}) {
  return get(path, parameters, { ...options, accept: COLUMNS });
}

/** GET columns as rows, following cursors to their end. */
export async function rows(path, parameters = {}, { pages = MOST_PAGES, ...options } = {}) {
  const found = [];
  let cursor = null;
  for (let page = 0; page < pages; page += 1) {
    const answer = await columns(path, { ...parameters, cursor }, options);
    found.push(...rowsOf(answer.columns));
    cursor = answer.next_cursor;
    if (!cursor) break;
  }
  return found;
}

/** Turn columns into a list of rows. */
export function rowsOf(table) {
  const names = Object.keys(table);
  const length = names.length ? table[names[0]].length : 0;
  return Array.from({ length }, (_, index) => Object.fromEntries(names.map((name) => [name, table[name][index]])));
}

export const instrumentPath = (id, rest = "") => `/v1/instruments/${encodeURIComponent(id)}${rest}`;
export const ratePath = (rate, rest = "") => `/v1/rates/${encodeURIComponent(rate)}${rest}`;
